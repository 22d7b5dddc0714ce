# Builds HTTPTypes as a module of its own, for tools that are compiled without SwiftPM. To be sourced from the
# package's root. Leaves $fuzz_out/modules/HTTPTypes.swiftmodule and $fuzz_out/HTTPTypes.o.
fuzz_out=.build/fuzz
types=.build/checkouts/swift-http-types/Sources/HTTPTypes
mkdir -p "$fuzz_out/modules"
[ -d "$types" ] || swift package resolve >&2

if [ ! -f "$fuzz_out/HTTPTypes.o" ] || [ -n "$(find "$types" -name '*.swift' -newer "$fuzz_out/HTTPTypes.o")" ]; then
    # The availability macros that its manifest declares. They hold spaces, which are put back one by one.
    set --
    for version in 1.0 1.1 1.2 1.3 1.6 1.7; do
        set -- "$@" -enable-experimental-feature "AvailabilityMacro=HTTPTypes $version: macOS 10.0"
    done
    swiftc -O -wmo -parse-as-library -module-name HTTPTypes -swift-version 6 "$@" \
        -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility \
        -emit-module -emit-module-path "$fuzz_out/modules/HTTPTypes.swiftmodule" -c -o "$fuzz_out/HTTPTypes.o" \
        "$types"/*.swift
fi
