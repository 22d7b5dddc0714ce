/* What both load programs share: connecting, and reading one HTTP/1.1 response from a buffer. */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A non-blocking socket that is connecting to 127.0.0.1:port, from 127.0.0.`source` when that is not 0; -1 on failure. */
static inline int start_connecting(int port, int source) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (source) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)source)};
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) {
            close(fd);
            return -1;
        }
    }
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

typedef struct {
    char bytes[2048];
    int count;
} response_buffer;

/* Returns the status once a whole response is in the buffer, 0 while more is to come, -1 when it cannot be understood.
   `close_after` tells whether the server will close. Bodies come with Content-Length or chunked; the buffer is
   large enough for what the servers here answer, and a response that does not fit is an error. */
static inline int response_status(response_buffer *b, int *close_after) {
    b->bytes[b->count] = 0;
    char *end = strstr(b->bytes, "\r\n\r\n");
    if (!end) return b->count >= (int)sizeof b->bytes - 1 ? -1 : 0;
    int status = 0;
    if (sscanf(b->bytes, "HTTP/1.%*c %d", &status) != 1 || status < 100) return -1;
    long length = status == 204 || status == 304 ? 0 : -1;
    int chunked = 0;
    *close_after = 0;
    for (char *line = strstr(b->bytes, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
        char *field = line + 2;
        if (!strncasecmp(field, "content-length:", 15)) length = atol(field + 15);
        if (!strncasecmp(field, "transfer-encoding: chunked", 26)) chunked = 1;
        if (!strncasecmp(field, "connection: close", 17)) *close_after = 1;
    }
    char *body = end + 4;
    long have = b->count - (body - b->bytes);
    if (chunked) {
        if (have >= 5 && !memcmp(b->bytes + b->count - 5, "0\r\n\r\n", 5)) return status;
        return b->count >= (int)sizeof b->bytes - 1 ? -1 : 0;
    }
    if (length < 0 || length > (long)sizeof b->bytes - 1 - (body - b->bytes)) return -1;
    return have >= length ? status : 0;
}

#endif
