// SquallHTTP
