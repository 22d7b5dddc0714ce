#ifndef THREAD_SANITIZER_SUPPORT_H
#define THREAD_SANITIZER_SUPPORT_H

#include <stdbool.h>

/// Whether the program was built for the thread sanitizer. It keeps signals back from a thread that waits in a call which
/// it does not know of, so that no stack can be taken there.
bool squall_is_thread_sanitized(void);

#endif
