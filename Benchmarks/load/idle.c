/* idle PORT PATH FEW MANY

   Opens FEW keep-alive connections, each making one request, prints {"open": FEW, "closed": ...} and waits for a line
   on standard input; then the same for MANY. `closed` counts connections that the server has ended meanwhile. */

#define _GNU_SOURCE
#include "http.h"

#include <poll.h>
#include <sys/resource.h>

enum { CONNECTIONS_PER_ADDRESS = 5000, AT_ONCE = 64, PATIENCE_MS = 10000 };

static int *descriptors;

static int open_batch(int port, const char *request, int from, int to) {
    static response_buffer in[AT_ONCE];
    struct pollfd polled[AT_ONCE];
    int sent[AT_ONCE] = {0}, count = to - from, left = count;
    for (int i = 0; i < count; i++) {
        int fd = start_connecting(port, 1 + (from + i) / CONNECTIONS_PER_ADDRESS);
        if (fd < 0) return -1;
        descriptors[from + i] = fd;
        in[i].count = 0;
        polled[i] = (struct pollfd){fd, POLLOUT, 0};
    }
    while (left) {
        if (poll(polled, (nfds_t)count, PATIENCE_MS) <= 0) return -1;
        for (int i = 0; i < count; i++) {
            int fd = descriptors[from + i], close_after = 0;
            if (!polled[i].revents) continue;
            if (!sent[i]) {
                if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) return -1;
                sent[i] = 1;
                polled[i].events = POLLIN;
                continue;
            }
            ssize_t n = recv(fd, in[i].bytes + in[i].count, sizeof in[i].bytes - 1 - (size_t)in[i].count, 0);
            if (n <= 0) return -1;
            in[i].count += (int)n;
            int status = response_status(&in[i], &close_after);
            if (status && status != 200) return -1;
            if (status) {
                polled[i].fd = -1;
                left--;
            }
        }
    }
    return 0;
}

static int closed(int count) {
    int n = 0;
    char byte;
    for (int i = 0; i < count; i++)
        if (recv(descriptors[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) n++;
    return n;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: idle PORT PATH FEW MANY\n");
        return 2;
    }
    int port = atoi(argv[1]), goals[2] = {atoi(argv[3]), atoi(argv[4])}, open = 0;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", argv[2], port);
    descriptors = calloc((size_t)goals[1], sizeof *descriptors);

    for (int i = 0; i < 2; i++) {
        while (open < goals[i]) {
            int to = open + AT_ONCE < goals[i] ? open + AT_ONCE : goals[i];
            if (open_batch(port, request, open, to)) {
                fprintf(stderr, "idle: stopped at %d connections: %s\n", open, strerror(errno));
                return 1;
            }
            open = to;
        }
        printf("{\"open\": %d, \"closed\": %d}\n", open, closed(open));
        fflush(stdout);
        char line[16];
        if (!fgets(line, sizeof line, stdin)) break;
    }
    /* Tell at the end as well how many lasted until the second reading. */
    printf("{\"open\": %d, \"closed\": %d}\n", open, closed(open));
    return 0;
}
