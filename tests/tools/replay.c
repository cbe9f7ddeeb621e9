// replay.c - sends the frames of a capture file out of an interface at the file's own pace, or N times as fast.
//   replay FILE IF [SPEED]     cc -O2 -o replay replay.c
// For measuring `amethyst record --interface` where tcpreplay is too slow (it manages some 50,000 packets a second on a
// small machine). Reads classic pcap, Ethernet, stamps in microseconds. Sends in bursts of at most a millisecond through a
// raw socket past the queueing discipline; a burst that the interface can't take is tried again, nothing is left out.
// Prints one line of JSON: frames, bytes, seconds, retries and by how much the latest burst was late (late_ms: a sender that
// could not keep the pace proves nothing about the recorder).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 256 };

static void die(const char *what) { perror(what); exit(1); }

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void wait_until(int64_t at_ns) {
    struct timespec t = {at_ns / 1000000000, at_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

static int open_interface(const char *name) {
    int s = socket(AF_PACKET, SOCK_RAW, 0), yes = 1, bytes = 8 << 20;
    if (s < 0) die("socket");
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    if (!to.sll_ifindex) die(name);
    if (bind(s, (struct sockaddr *)&to, sizeof to)) die("bind");
    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    return s;
}

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "replay FILE IF [SPEED]\n"); return 2; }
    double speed = argc > 3 ? atof(argv[3]) : 1.0;
    int file = open(argv[1], O_RDONLY);
    struct stat st;
    if (file < 0 || fstat(file, &st)) die(argv[1]);
    const uint8_t *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (p == MAP_FAILED) die("mmap");
    uint32_t magic, link;
    memcpy(&magic, p, 4);
    memcpy(&link, p + 20, 4);
    if (st.st_size < 24 || magic != 0xa1b2c3d4 || link != 1 || speed <= 0) { fprintf(stderr, "replay: wants a little-endian pcap of Ethernet and a speed above 0\n"); return 2; }
    int s = open_interface(argv[2]);
    static struct mmsghdr out[BURST];
    static struct iovec io[BURST];
    const uint8_t *end = p + st.st_size;
    p += 24;
    uint64_t frames = 0, bytes = 0, retries = 0;
    int64_t began = now_ns() + 1000000, first_us = -1, late_ns = 0;
    while (p + 16 <= end) {
        int n = 0;
        int64_t due = 0, latest = 0;
        while (n < BURST && p + 16 <= end) {
            uint32_t head[4];
            memcpy(head, p, 16);
            if (p + 16 + head[2] > end) { p = end; break; }
            int64_t us = head[0] * 1000000LL + head[1];
            if (first_us < 0) first_us = us;
            int64_t at = began + (int64_t)((double)(us - first_us) * 1000.0 / speed);
            if (n == 0) { due = at; latest = at + 1000000; }
            if (at > latest) break;
            io[n].iov_base = (void *)(p + 16);
            io[n].iov_len = head[2];
            out[n].msg_hdr.msg_iov = &io[n];
            out[n].msg_hdr.msg_iovlen = 1;
            bytes += head[2];
            p += 16 + head[2];
            n++;
        }
        wait_until(due);
        int64_t late = now_ns() - due;
        if (late > late_ns) late_ns = late;
        for (int done = 0; done < n;) {
            int sent = sendmmsg(s, out + done, (unsigned)(n - done), 0);
            if (sent > 0) { done += sent; continue; }
            if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) die("sendmmsg");
            retries++;
        }
        frames += (uint64_t)n;
    }
    double seconds = (double)(now_ns() - began) / 1e9;
    printf("{\"frames\": %llu, \"bytes\": %llu, \"seconds\": %.3f, \"retries\": %llu, \"late_ms\": %.1f}\n", (unsigned long long)frames, (unsigned long long)bytes, seconds, (unsigned long long)retries, (double)late_ns / 1e6);
    return 0;
}
