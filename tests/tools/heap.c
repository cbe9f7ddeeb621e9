// heap.c - says how much memory a program had from malloc at its peak: what a call costs, without what the allocator keeps back.
//
// cc -O2 -shared -fPIC -o heap.so heap.c -ldl; LD_PRELOAD=./heap.so PROGRAM ...; the figures are the last line on its stderr.
// Counted is what each block may hold (malloc_usable_size) and the eight octets that glibc keeps before it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static atomic_long live, peak;
static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t), *(*next_realloc)(void *, size_t), *(*next_aligned)(size_t, size_t);
static int (*next_posix)(void **, size_t, size_t);
static void (*next_free)(void *);

// dlsym itself may ask for memory before we know where to get it.
static char early[1 << 16];
static size_t early_used;

static void *from_early(size_t octets) {
    void *block = early + early_used;
    early_used += (octets + 15) & ~(size_t)15;
    if (early_used > sizeof early) _exit(70);
    return block;
}

static int is_early(void *block) { return (char *)block >= early && (char *)block < early + sizeof early; }

static void find(void) {
    static int at_it;
    if (next_malloc || at_it) return;
    at_it = 1;
    next_calloc = dlsym(RTLD_NEXT, "calloc");
    next_realloc = dlsym(RTLD_NEXT, "realloc");
    next_aligned = dlsym(RTLD_NEXT, "aligned_alloc");
    next_posix = dlsym(RTLD_NEXT, "posix_memalign");
    next_free = dlsym(RTLD_NEXT, "free");
    next_malloc = dlsym(RTLD_NEXT, "malloc");
    at_it = 0;
}

static void count(long octets) {
    long now = atomic_fetch_add(&live, octets) + octets, most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) { }
}

static void *taken(void *block) {
    if (block) count((long)malloc_usable_size(block) + 8);
    return block;
}

static void given(void *block) {
    if (block) count(-(long)malloc_usable_size(block) - 8);
}

void *malloc(size_t octets) { find(); return next_malloc ? taken(next_malloc(octets)) : from_early(octets); }
void *calloc(size_t n, size_t octets) { find(); return next_calloc ? taken(next_calloc(n, octets)) : from_early(n * octets); }
void *aligned_alloc(size_t to, size_t octets) { find(); return taken(next_aligned(to, octets)); }

int posix_memalign(void **block, size_t to, size_t octets) {
    find();
    int failed = next_posix(block, to, octets);
    if (!failed) taken(*block);
    return failed;
}

void *realloc(void *block, size_t octets) {
    find();
    long before = block ? (long)malloc_usable_size(block) + 8 : 0;
    void *moved = next_realloc(block, octets);
    if (moved || octets == 0) { count(-before); taken(moved); }
    return moved;
}

void free(void *block) {
    if (!block || is_early(block)) return;
    given(block);
    next_free(block);
}

__attribute__((destructor)) static void say(void) {
    fprintf(stderr, "heap: %ld octets at the peak\n", atomic_load(&peak));
}
