import Testing
@testable import Squall

@Test func placeholderRemovedSoon() {}
