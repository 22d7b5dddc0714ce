#define _GNU_SOURCE
#include "CSquall.h"

#include <unistd.h>

#if defined(__linux__)
ssize_t squall_copy_file_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count) {
    off_t in = from_offset, out = to_offset;
    return copy_file_range(from, &in, to, &out, count, 0);
}
#endif
