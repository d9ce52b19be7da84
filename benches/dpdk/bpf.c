/* libpcap's filter as machine code: DPDK converts it, checks it and compiles it. The compiled
 * function takes a packet buffer, so one is prepared for every frame before anything is timed. */

#define _GNU_SOURCE
#include <rte_config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

/* The filter of the other peers with the flags by their place in the frame: what DPDK 22.11 makes of
 * `tcp[tcpflags]` lets nothing through. */
static const char expression[] = "ip and tcp dst port 25 and ether[47] & 0x16 == 2";

struct bpf_peer {
	struct rte_bpf *bpf;
	uint64_t (*compiled)(void *);
	struct rte_mbuf *buffers;
	size_t frames;
};

void bpf_peer_free(void *peer)
{
	struct bpf_peer *self = peer;

	if (self == NULL)
		return;
	rte_bpf_destroy(self->bpf);
	free(self->buffers);
	free(self);
}

/* Loads the filter; NULL where it cannot be converted, or there is no compiler for this machine. */
static struct rte_bpf *load(void)
{
	struct rte_bpf *bpf = NULL;
	struct bpf_program program;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 262144);

	if (dead == NULL)
		return NULL;
	if (pcap_compile(dead, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		struct rte_bpf_prm *converted = rte_bpf_convert(&program);
		if (converted != NULL)
			bpf = rte_bpf_load(converted);
		rte_free(converted);
		pcap_freecode(&program);
	}
	pcap_close(dead);
	return bpf;
}

/* Compiles the filter and prepares a buffer for each frame, which begin at the offsets and stay where
 * they are; NULL when it cannot be had. DPDK's environment has to stand. */
void *bpf_peer_new(const uint8_t *bytes, const uint32_t *offsets, const uint32_t *lengths,
		   size_t frames)
{
	struct bpf_peer *self = calloc(1, sizeof(*self));
	struct rte_bpf_jit jit;

	if (self == NULL)
		return NULL;
	self->bpf = load();
	if (self->bpf == NULL || rte_bpf_get_jit(self->bpf, &jit) != 0 || jit.func == NULL)
		goto failed;
	self->compiled = jit.func;
	self->frames = frames;
	if (posix_memalign((void **)&self->buffers, RTE_CACHE_LINE_SIZE,
			   (frames + 1) * sizeof(struct rte_mbuf)) != 0) {
		self->buffers = NULL;
		goto failed;
	}
	memset(self->buffers, 0, (frames + 1) * sizeof(struct rte_mbuf));
	for (size_t at = 0; at < frames; at++) {
		struct rte_mbuf *buffer = &self->buffers[at];
		uint32_t length = lengths[at] > UINT16_MAX ? UINT16_MAX : lengths[at];
		buffer->buf_addr = (void *)(uintptr_t)(bytes + offsets[at]);
		buffer->nb_segs = 1;
		buffer->data_len = (uint16_t)length;
		buffer->pkt_len = length;
	}
	return self;
failed:
	bpf_peer_free(self);
	return NULL;
}

/* How many frames pass. `ahead` says how many frames before its turn a frame's headers are fetched,
 * and its buffer twice as many; 0 for not at all. */
uint64_t bpf_peer_count(void *peer, size_t ahead)
{
	struct bpf_peer *self = peer;
	struct rte_mbuf *buffers = self->buffers;
	size_t frames = self->frames;
	uint64_t hits = 0;

	for (size_t at = 0; at < frames; at++) {
		if (ahead != 0) {
			if (at + 2 * ahead < frames)
				rte_prefetch0(&buffers[at + 2 * ahead]);
			if (at + ahead < frames) {
				const uint8_t *next = buffers[at + ahead].buf_addr;
				rte_prefetch0(next + 12);
				rte_prefetch0(next + 47);
			}
		}
		hits += self->compiled(&buffers[at]) != 0;
	}
	return hits;
}
