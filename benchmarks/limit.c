/* The limit: inotify on a file, then two TCP hops on loopback, and nothing else.
 *
 *   limit FILE ARRIVALS
 *
 * A watcher sends what is appended to FILE to a relay (where a broker would be), which passes it
 * on to a receiver. The receiver stamps each line and writes it to ARRIVALS as `seconds.nanos line`.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 1 << 16 };

static void must(int fine, const char *what) {
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static void send_all(int to, const char *data, ssize_t size) {
    while (size > 0) {
        ssize_t sent = write(to, data, (size_t)size);
        must(sent > 0, "write");
        data += sent;
        size -= sent;
    }
}

static int listen_on_loopback(struct sockaddr_in *address) {
    socklen_t size = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    memset(address, 0, size);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(listener, (struct sockaddr *)address, size) == 0, "bind");
    must(listen(listener, 1) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)address, &size) == 0, "getsockname");
    return listener;
}

static int without_delay(int connection) {
    int on = 1;
    must(connection >= 0, "connection");
    must(setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    return connection;
}

static int connect_to(const struct sockaddr_in *address) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(connection, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    return without_delay(connection);
}

static void receive(int listener, const char *path) {
    static char data[BYTES];
    int from = without_delay(accept(listener, NULL, NULL));
    FILE *arrivals = fopen(path, "w");
    ssize_t size, held = 0;
    must(arrivals != NULL, path);
    while ((size = read(from, data + held, (size_t)(BYTES - held))) > 0) {
        struct timespec now;
        char *line = data, *end;
        clock_gettime(CLOCK_REALTIME, &now);
        held += size;
        while ((end = memchr(line, '\n', (size_t)(data + held - line))) != NULL) {
            fprintf(arrivals, "%lld.%09ld ", (long long)now.tv_sec, now.tv_nsec);
            fwrite(line, 1, (size_t)(end - line + 1), arrivals);
            line = end + 1;
        }
        held -= line - data;
        memmove(data, line, (size_t)held);
        fflush(arrivals);
    }
}

static void relay(int listener, const struct sockaddr_in *next) {
    static char data[BYTES];
    int to = connect_to(next), from = without_delay(accept(listener, NULL, NULL));
    ssize_t size;
    while ((size = read(from, data, BYTES)) > 0) send_all(to, data, size);
}

static void watch(const char *path, const struct sockaddr_in *next) {
    static char data[BYTES], events[4096];
    int to = connect_to(next), events_in = inotify_init1(IN_CLOEXEC);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0, path);
    must(inotify_add_watch(events_in, path, IN_MODIFY) >= 0, "inotify");
    do {
        ssize_t size;
        while ((size = read(file, data, BYTES)) > 0) send_all(to, data, size);
    } while (read(events_in, events, sizeof events) > 0);
}

static int is_child(void) {
    pid_t parent = getpid(), child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) exit(1);
    }
    return child == 0;
}

int main(int count, char **words) {
    struct sockaddr_in to_receiver, to_relay;
    int receiver, relaying;
    if (count != 3) {
        fprintf(stderr, "usage: %s FILE ARRIVALS\n", words[0]);
        return 2;
    }
    receiver = listen_on_loopback(&to_receiver);
    relaying = listen_on_loopback(&to_relay);
    if (is_child()) {
        receive(receiver, words[2]);
    } else if (is_child()) {
        relay(relaying, &to_receiver);
    } else {
        watch(words[1], &to_relay);
    }
    return 0;
}
