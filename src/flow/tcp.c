/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP as seen from beside the path: the state of both ends, Zeek's history letters, sequence numbers, round-trip time.
 *
 * Ends are believed as far as the packets show: a connection met in the middle is PARTIAL on both sides, a FIN closes its
 * own end, a reset counts only when its sequence number could have come from that end.
 *
 * Sources: RFC 9293; Zeek's conn.log for the meaning of `state` and `history`.
 */
#include "flow/entry.h"

#define RESET_SLACK (1 << 20) /* how far a reset's sequence number may lie from the next expected */

static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

bool tcp_is_new_connection(const struct flow *flow, int dir, const struct packet *packet)
{
    if ((packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    const struct side *side = &flow->side[dir];
    if (side->flags & SIDE_SYN)
        return flow->isn[dir] != packet->seq;
    /* A SYN from the other end of an unanswered SYN is a simultaneous open (RFC 9293, 3.5). */
    return flow->count[0].packets + flow->count[1].packets > 0 && flow->side[!dir].state != END_SYN_SENT;
}

/* Was the side's FIN acknowledged?  If not, its end may send it for a while yet. */
static bool fin_is_acked(const struct flow *flow, int dir)
{
    const struct side *side = &flow->side[dir];
    return side->flags & SIDE_FIN && side->flags & SIDE_ACKED && ahead(side->acked, flow->fin_seq[dir]) > 0;
}

uint64_t tcp_timeout_ns(const struct flow_shard *shard, const struct flow *flow)
{
    uint8_t a = flow->side[0].state, b = flow->side[1].state;
    if (a == END_RESET || b == END_RESET)
        return shard->options.tcp_linger_ns;
    if (a == END_CLOSED && b == END_CLOSED)
        return fin_is_acked(flow, 0) && fin_is_acked(flow, 1) ? shard->options.tcp_linger_ns
                                                              : shard->options.tcp_attempt_ns;
    if (a == END_SYN_SENT || b == END_SYN_SENT || a == END_SYN_ACK_SENT || b == END_SYN_ACK_SENT)
        return shard->options.tcp_attempt_ns;
    return shard->options.tcp_idle_ns;
}

static void note_history(struct flow *flow, int dir, const struct packet *packet)
{
    uint8_t flags = packet->tcp_flags;
    if (flags & TCP_SYN)
        history_add(flow, dir, flags & TCP_ACK ? HISTORY_SYN_ACK : HISTORY_SYN);
    if (flags & TCP_FIN && flags & TCP_RST)
        history_add(flow, dir, HISTORY_INCONSISTENT);
    else if (flags & TCP_SYN && flags & (TCP_FIN | TCP_RST))
        history_add(flow, dir, HISTORY_MULTI);
    if (packet->payload_wire)
        history_add(flow, dir, HISTORY_DATA);
    else if ((flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK)
        history_add(flow, dir, HISTORY_ACK);
    if (flags & TCP_FIN)
        history_add(flow, dir, HISTORY_FIN);
    if (flags & TCP_RST)
        history_add(flow, dir, HISTORY_RST);
    else if (packet->window == 0)
        history_add(flow, dir, HISTORY_ZERO_WINDOW);
}

static void note_syn(struct flow *flow, int dir, const struct packet *packet)
{
    struct side *me = &flow->side[dir];
    if (me->flags & SIDE_SYN)
        return;
    /* A SYN that comes behind the data of its own end says nothing new: what is in order stays in order. */
    if (!(me->flags & SIDE_SEQ))
        me->next = packet->seq + 1;
    me->flags |= SIDE_SYN | SIDE_SEQ;
    flow->isn[dir] = packet->seq;
    if (me->state == END_INACTIVE)
        me->state = packet->tcp_flags & TCP_ACK ? END_SYN_ACK_SENT : END_SYN_SENT;
}

static void note_state(struct flow *flow, int dir, const struct packet *packet)
{
    struct side *me = &flow->side[dir], *peer = &flow->side[!dir];
    uint8_t flags = packet->tcp_flags;
    if (flags & TCP_SYN) {
        note_syn(flow, dir, packet);
        if (dir == WEIR_ORIG && !(flags & TCP_ACK))
            flow->syn_ns = packet->ts_ns;
        else if (flags & TCP_ACK && me->state == END_SYN_SENT)
            me->state = END_SYN_ACK_SENT; /* simultaneous open */
    } else if (flags & TCP_ACK) {
        if (me->state == END_INACTIVE)
            me->state = END_PARTIAL;
        if (peer->state == END_SYN_ACK_SENT && (me->state == END_SYN_SENT || me->state == END_SYN_ACK_SENT)) {
            me->state = peer->state = END_ESTABLISHED;
            if (dir == WEIR_ORIG && flow->syn_ns && !(flow->flags & FLOW_HANDSHAKE))
                flow->rtt_ns = packet->ts_ns > flow->syn_ns ? packet->ts_ns - flow->syn_ns : 0;
            flow->flags |= FLOW_HANDSHAKE;
        }
    }
}

/* Sequence numbers that came before are an old or forged FIN's: the other end drops it (RFC 9293, 3.10.7.4) and goes on. */
static void note_fin(struct flow *flow, int dir, const struct packet *packet)
{
    struct side *me = &flow->side[dir];
    uint32_t seq = packet->seq + packet->payload_wire;
    if (me->flags & SIDE_SEQ && ahead(seq, me->next) < 0)
        return;
    if (me->state != END_RESET)
        me->state = END_CLOSED;
    if (me->flags & SIDE_FIN)
        return;
    me->flags |= SIDE_FIN;
    flow->fin_seq[dir] = seq;
}

static void note_sequence(struct flow *flow, int dir, const struct packet *packet)
{
    struct side *me = &flow->side[dir], *peer = &flow->side[!dir];
    uint8_t flags = packet->tcp_flags;
    if (!(me->flags & SIDE_SEQ) && !(flags & TCP_RST)) {
        me->next = packet->seq;
        me->flags |= SIDE_SEQ | (packet->payload_wire ? 0 : SIDE_GUESS);
    }
    if (flags & TCP_ACK && (!(peer->flags & SIDE_ACKED) || ahead(packet->ack, peer->acked) > 0)) {
        peer->acked = packet->ack;
        peer->flags |= SIDE_ACKED;
    }
}

/* A reset that could be from this end (RFC 5961, 3, without the strictness of an endpoint). */
static bool reset_is_plausible(const struct side *me, const struct packet *packet)
{
    if (!(me->flags & SIDE_SEQ))
        return true;
    int32_t off = ahead(packet->seq, me->next);
    return off >= -RESET_SLACK && off <= RESET_SLACK;
}

/*
 * The end is told when the flow ends, a linger later: a forged reset that both ends ignore must not hide what they go on to say.
 */
static void reset(struct flow *flow, int dir, const struct packet *packet)
{
    if (!reset_is_plausible(&flow->side[dir], packet))
        return;
    bool closed = flow->side[0].state == END_CLOSED && flow->side[1].state == END_CLOSED;
    if (!closed)
        flow->side[dir].state = END_RESET;
    flow->flags |= FLOW_RESET;
}

/* A FIN from an end whose peer still waits for a SYN: every stack drops it (RFC 9293, 3.10.7.3), whoever forged it. */
static bool fin_is_stray(const struct flow *flow, int dir, const struct packet *packet)
{
    return (packet->tcp_flags & (TCP_FIN | TCP_SYN)) == TCP_FIN && !packet->payload_wire &&
           !(flow->side[dir].flags & (SIDE_SYN | SIDE_SEQ | SIDE_ACKED)) && flow->side[!dir].state == END_SYN_SENT;
}

/* Anything but plain data and acknowledgements inside an established connection. */
static void unusual(struct flow *flow, int dir, const struct packet *packet)
{
    note_state(flow, dir, packet);
    if ((packet->tcp_flags & (TCP_FIN | TCP_SYN)) == TCP_FIN)
        note_fin(flow, dir, packet);
}

void tcp_packet(struct flow_shard *shard, struct flow *flow, int dir, const struct packet *packet)
{
    uint8_t flags = packet->tcp_flags;
    bool plain = !(flags & (TCP_SYN | TCP_FIN | TCP_RST)) && flow->side[0].state == END_ESTABLISHED &&
                 flow->side[1].state == END_ESTABLISHED;
    note_history(flow, dir, packet);
    if (!plain && fin_is_stray(flow, dir, packet))
        return;
    uint64_t timeout = 0;
    if (!plain) {
        timeout = tcp_timeout_ns(shard, flow);
        unusual(flow, dir, packet);
    }
    note_sequence(flow, dir, packet);
    if (packet->payload_wire || flow->side[dir].flags & SIDE_FIN)
        stream_segment(shard, flow, dir, packet->seq + !!(flags & TCP_SYN), packet);
    for (int d = 0; d < 2; d++)
        if (queue_of(flow, d))
            stream_check(shard, flow, d, packet->ts_ns, packet->frame);
    if (flags & TCP_RST)
        reset(flow, dir, packet);
    if (timeout && tcp_timeout_ns(shard, flow) < timeout)
        timer_sooner(shard, flow);
}
