/* An SMTP server that reads mails and forgets them, with as little work as a system call each: the relay on a machine of
 * its own that a benchmark with two cores hasn't got. `discarding_sink` prints its port, and the mails it took when its
 * standard input ends. RFC 5321, PIPELINING (RFC 2920). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096, BUFFER = 1 << 18 };

static struct peer { char line[1024]; size_t length; int in_data; } peers[MOST];
static char buffer[4 + BUFFER], answers[1 << 16];
static size_t answered;
static long taken;

static void say(const char *words) {
    size_t length = strlen(words);
    if (answered + length < sizeof answers) {
        memcpy(answers + answered, words, length);
        answered += length;
    }
}

static void command(struct peer *peer) {
    if (!strncasecmp(peer->line, "EHLO", 4)) {
        say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
    } else if (!strncasecmp(peer->line, "DATA", 4)) {
        say("354 go on\r\n");
        peer->in_data = 1;
    } else if (!strncasecmp(peer->line, "QUIT", 4)) {
        say("221 bye\r\n");
    } else {
        say("250 2.0.0 ok\r\n");
    }
}

/* Take what came, of which the last four octets of the message before are kept in front, since its end may be cut. */
static void take(struct peer *peer, char *at, size_t length) {
    while (length) {
        if (peer->in_data) {
            char *from = at - peer->length;
            memcpy(from, peer->line, peer->length);
            char *end = memmem(from, length + peer->length, "\r\n.\r\n", 5);
            if (!end) {
                size_t all = length + peer->length, keep = all < 4 ? all : 4;
                memmove(peer->line, from + all - keep, keep);
                peer->length = keep;
                return;
            }
            length -= (size_t)(end + 5 - at);
            at = end + 5;
            peer->length = 0;
            peer->in_data = 0;
            taken++;
            say("250 2.0.0 taken\r\n");
        } else {
            char *end = memchr(at, '\n', length);
            size_t part = end ? (size_t)(end - at) + 1 : length;
            if (peer->length + part < sizeof peer->line) {
                memcpy(peer->line + peer->length, at, part);
                peer->length += part;
            }
            at += part;
            length -= part;
            if (end) {
                peer->length = 0;
                command(peer);
            }
        }
    }
}

int main(void) {
    int one = 1, door = socket(AF_INET, SOCK_STREAM, 0), watched = epoll_create1(0);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    if (door < 0 || bind(door, (struct sockaddr *)&place, size) || listen(door, 256)) return 1;
    getsockname(door, (struct sockaddr *)&place, &size);
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, found[64];
    epoll_ctl(watched, EPOLL_CTL_ADD, door, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(watched, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        int count = epoll_wait(watched, found, 64, -1);
        for (int n = 0; n < count; n++) {
            int from = found[n].data.fd;
            if (from == STDIN_FILENO) {
                printf("%ld\n", taken);
                return 0;
            }
            if (from == door) {
                int came = accept(door, NULL, NULL);
                if (came < 0 || came >= MOST) { close(came); continue; }
                setsockopt(came, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                peers[came] = (struct peer){0};
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = came};
                epoll_ctl(watched, EPOLL_CTL_ADD, came, &event);
                if (write(came, "220 sink\r\n", 10) < 0) close(came);
                continue;
            }
            ssize_t length = read(from, buffer + 4, BUFFER);
            if (length <= 0) { close(from); continue; }
            answered = 0;
            take(&peers[from], buffer + 4, (size_t)length);
            if (answered && write(from, answers, answered) < 0) close(from);
        }
    }
}
