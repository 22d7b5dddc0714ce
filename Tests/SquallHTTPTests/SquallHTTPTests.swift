import Testing
@testable import SquallHTTP

@Test func placeholderRemovedSoon() {}
