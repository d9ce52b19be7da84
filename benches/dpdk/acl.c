/* DPDK's access control lists behind three functions: their structures hold flexible arrays and
 * unions that C describes best. One rule for each sender: its address, TCP, port 25, and SYN
 * without ACK and RST. */

#define _GNU_SOURCE
#include <rte_config.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_prefetch.h>

/* The fields, by where they lie in an Ethernet frame with IPv4 without options. Each input is a
 * group of four bytes; the first field has to be of one byte. */
enum { PROTOCOL, SENDER, PORTS_FROM, PORTS_TO, OFFSET, FLAGS, WINDOW, FIELDS };

static const struct rte_acl_field_def fields[FIELDS] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTOCOL, 0, 23 },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, SENDER, 1, 26 },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, PORTS_FROM, 2, 34 },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, PORTS_TO, 2, 36 },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, OFFSET, 3, 46 },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, FLAGS, 3, 47 },
	{ RTE_ACL_FIELD_TYPE_BITMASK, 2, WINDOW, 3, 48 },
};

RTE_ACL_RULE_DEF(acl_rule, FIELDS);

/* What a classification takes at a time, as DPDK's own examples do. */
enum { BURST = 256 };

/* Without huge pages, devices and files; 0 when it stands. Once a process. */
int acl_peer_start(void)
{
	static char *arguments[] = {
		"bench", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-l", "0", "-m", "256",
		"--force-max-simd-bitwidth=512", "--log-level=lib.*:error", NULL,
	};
	cpu_set_t before;
	int read = pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	int parsed = rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments);
	/* It binds this thread to a core, and with it every thread that comes from this one. */
	if (read == 0)
		pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	return parsed < 0 ? -1 : 0;
}

/* A built list for so many senders from the first address on; NULL when it cannot be had. */
void *acl_peer_new(uint32_t first, uint32_t rules)
{
	struct rte_acl_param param = {
		.name = "senders",
		.socket_id = -1,
		.rule_size = RTE_ACL_RULE_SZ(FIELDS),
		.max_rule_num = rules,
	};
	struct rte_acl_config config = { .num_categories = 1, .num_fields = FIELDS };
	struct rte_acl_ctx *context = rte_acl_create(&param);
	if (context == NULL)
		return NULL;
	for (uint32_t number = 0; number < rules; number++) {
		struct acl_rule rule = {
			.data = { .category_mask = 1, .priority = 1, .userdata = number + 1 },
		};
		rule.field[PROTOCOL].value.u8 = 6;
		rule.field[PROTOCOL].mask_range.u8 = 0xff;
		rule.field[SENDER].value.u32 = first + number;
		rule.field[SENDER].mask_range.u32 = 32;
		rule.field[PORTS_FROM].mask_range.u16 = 0xffff;
		rule.field[PORTS_TO].value.u16 = 25;
		rule.field[PORTS_TO].mask_range.u16 = 25;
		rule.field[FLAGS].value.u8 = 0x02;
		rule.field[FLAGS].mask_range.u8 = 0x16;
		if (rte_acl_add_rules(context, (struct rte_acl_rule *)&rule, 1) != 0)
			goto failed;
	}
	for (int field = 0; field < FIELDS; field++)
		config.defs[field] = fields[field];
	if (rte_acl_build(context, &config) != 0)
		goto failed;
	/* The widest that this machine has. */
	static const enum rte_acl_classify_alg levels[] = {
		RTE_ACL_CLASSIFY_AVX512X32, RTE_ACL_CLASSIFY_AVX2, RTE_ACL_CLASSIFY_SSE,
		RTE_ACL_CLASSIFY_SCALAR,
	};
	for (size_t at = 0; at < sizeof(levels) / sizeof(levels[0]); at++)
		if (rte_acl_set_ctx_classify(context, levels[at]) == 0)
			return context;
failed:
	rte_acl_free(context);
	return NULL;
}

/* How many frames, which begin at the offsets, match a rule; UINT64_MAX when it fails. The
 * headers of a burst are fetched while the one before is classified. */
uint64_t acl_peer_count(void *context, const uint8_t *bytes, const uint32_t *offsets, size_t frames)
{
	const uint8_t *data[BURST];
	uint32_t results[BURST];
	uint64_t hits = 0;

	for (size_t start = 0; start < frames; start += BURST) {
		size_t count = frames - start < BURST ? frames - start : BURST;
		size_t ahead = frames - start - count < BURST ? frames - start - count : BURST;
		for (size_t at = 0; at < count; at++)
			data[at] = bytes + offsets[start + at];
		for (size_t at = 0; at < ahead; at++) {
			rte_prefetch0(bytes + offsets[start + count + at] + 23);
			rte_prefetch0(bytes + offsets[start + count + at] + 49);
		}
		if (rte_acl_classify(context, data, results, (uint32_t)count, 1) != 0)
			return UINT64_MAX;
		for (size_t at = 0; at < count; at++)
			hits += results[at] != 0;
	}
	return hits;
}

void acl_peer_free(void *context)
{
	rte_acl_free(context);
}
