import Testing
@testable import SquallIO

@Test func placeholderRemovedSoon() {}
