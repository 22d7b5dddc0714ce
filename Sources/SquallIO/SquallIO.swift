// SquallIO
