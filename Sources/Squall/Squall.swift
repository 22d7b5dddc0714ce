// Squall
