/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c - the rows of `tls` and `quic`: one client hello and what came of it.
 *
 * An exchange begins with a client hello, takes in the server's answer and certificate, and ends in one row.  The
 * client hello of a QUIC connection is a row of both tables: `quic` tells of the connection, `tls` of the handshake in
 * it; its JA4 stands in `quic` alone, so that counting fingerprints over both tables counts each hello once.
 */
#include "tls.h"

#define TLS_ROW(X, R)                                                                                                  \
    X(R, STR, version, "tls.handshake.version", "tls.protocol.version",                                                \
      "version that the server chose; before it answered, the highest offered")                                        \
    X(R, STR, client_version, "tls.handshake.extensions.supported_version", "", "highest version offered")             \
    X(R, STR, sni, "tls.handshake.extensions_server_name", "tls.client.server_name", "server name asked for")          \
    X(R, STR, alpn, "tls.handshake.extensions_alpn_str", "tls.next_protocol",                                          \
      "application protocol that the server chose, where that is in clear")                                            \
    X(R, STRS, alpn_offered, "tls.handshake.extensions_alpn_str", "", "application protocols offered")                 \
    X(R, STR, cipher, "tls.handshake.ciphersuite", "tls.cipher",                                                       \
      "cipher suite that the server chose, as IANA names it")                                                          \
    X(R, STR, group, "tls.handshake.extensions_key_share_group", "tls.curve",                                          \
      "key exchange group that the server chose")                                                                      \
    X(R, STR, ja3, "tls.handshake.ja3", "tls.client.ja3", "JA3 of the client hello")                                   \
    X(R, STR, ja3s, "tls.handshake.ja3s", "tls.server.ja3s", "JA3S of the server hello")                               \
    X(R, STR, ja4, "tls.handshake.ja4", "", "JA4 of the client hello; null over QUIC, where table quic has it")        \
    X(R, STR, subject, "x509sat.printableString", "tls.server.subject",                                                \
      "whom the server's certificate is for, RFC 4514")                                                                \
    X(R, STR, issuer, "x509af.issuer", "tls.server.issuer", "who issued the server's certificate, RFC 4514")           \
    X(R, STR, serial, "x509af.serialNumber", "", "serial number of the server's certificate, hexadecimal")             \
    X(R, TIME, not_before, "x509af.notBefore", "tls.server.not_before", "start of its validity")                       \
    X(R, TIME, not_after, "x509af.notAfter", "tls.server.not_after", "end of its validity")                            \
    X(R, STRS, san, "x509ce.dNSName", "", "names, addresses and URIs that it is also for")                             \
    X(R, STR, client_subject, "", "tls.client.subject", "whom the client's certificate is for, RFC 4514")              \
    X(R, BOOL, resumed, "", "tls.resumed", "an earlier session was taken up; null before the server answered")         \
    X(R, BOOL, established, "", "tls.established", "the handshake came to its end; null where only one side was seen") \
    X(R, BOOL, retried, "", "", "the server asked for another client hello (HelloRetryRequest)")                       \
    X(R, BOOL, ech, "", "", "the client sent an encrypted client hello, or made as if")                                \
    X(R, STR, alert, "tls.alert_message.desc", "", "fatal alert that ended the handshake, where that is in clear")
WEIR_TABLE(tls, TLS_ROW, "one row a TLS client hello, over TCP or QUIC");

#define QUIC_ROW(X, R)                                                                                                 \
    X(R, STR, version, "quic.version", "", "QUIC version of the client's first packet")                                \
    X(R, STR, sni, "tls.handshake.extensions_server_name", "tls.client.server_name", "server name asked for")          \
    X(R, STR, alpn, "tls.handshake.extensions_alpn_str", "", "first application protocol offered")                     \
    X(R, STRS, alpn_offered, "tls.handshake.extensions_alpn_str", "", "application protocols offered")                 \
    X(R, STR, ja4, "tls.handshake.ja4", "", "JA4 of the client hello")
WEIR_TABLE(quic, QUIC_ROW, "one row a client hello over QUIC");

const struct weir_table *const tls_tables[] = {&tls_table, NULL};
const struct weir_table *const tls_quic_tables[] = {&quic_table, &tls_table, NULL};

#define SNI_BYTES 255u
#define ALPN_BYTES 64u /* of one name */
#define OFFERED 12u    /* protocols kept of an offer */
#define OFFER_BYTES 512u

bool tls_exchange_wanted(struct weir_turn *turn, bool quic)
{
    return weir_wants(turn, &tls_table) || (quic && weir_wants(turn, &quic_table));
}

/* ---- text ---- */

static void text_load(const struct tls_exchange *x, struct tls_heap *heap)
{
    heap->used = x->text_bytes;
    if (x->text_bytes)
        memcpy(heap->text, x->text, x->text_bytes);
}

/* What was added to `heap` is the exchange's from now on; without memory for it, it is as if it had not been there.
 * Then neither is what would come later: it would stand where the lost text is looked for. */
static void text_keep(struct weir_turn *turn, struct tls_exchange *x, const struct tls_heap *heap)
{
    if (heap->used == x->text_bytes || x->text_lost)
        return;
    char *text = weir_hold(turn, heap->used);
    x->text_lost = text == NULL;
    if (!text)
        return;
    memcpy(text, heap->text, heap->used);
    if (x->text)
        weir_release(turn, x->text);
    x->text = text;
    x->text_bytes = heap->used;
}

static struct weir_str text_get(const struct tls_exchange *x, struct tls_text text)
{
    if (!text.set || text.at + text.size > x->text_bytes)
        return weir_str(NULL, 0);
    return weir_str(x->text ? x->text + text.at : "", text.size);
}

/* ---- what comes in ---- */

static void keep_offer(struct tls_exchange *x, struct tls_heap *heap, struct weir_bytes alpn)
{
    uint32_t start = heap->used;
    x->offered.set = alpn.at != NULL;
    while (weir_left(&alpn) && x->offered.count < OFFERED && heap->used - start < OFFER_BYTES) {
        uint8_t size = weir_u8(&alpn);
        const uint8_t *name = weir_take(&alpn, size);
        if (name)
            x->offered.items[x->offered.count++] = tls_heap_add(heap, name, size, ALPN_BYTES);
    }
}

void tls_exchange_client(struct weir_turn *turn, struct tls_exchange *x, const struct tls_client *hello, bool quic,
                         uint64_t ts_ns)
{
    struct tls_heap heap;
    heap.used = 0;
    if (x->text)
        weir_release(turn, x->text);
    memset(x, 0, sizeof *x);
    x->open = true;
    x->quic = quic;
    x->ts_ns = ts_ns;
    x->client_version = x->version = hello->version;
    x->early_data = hello->early_data;
    x->ech = hello->ech;
    if (!hello->v2 && !hello->broken) {
        tls_ja3(hello, x->ja3);
        x->has_ja3 = true;
        x->has_ja4 = tls_ja4(hello, quic ? 'q' : 't', x->ja4);
    }
    if (hello->sni.data)
        x->sni = tls_heap_add(&heap, hello->sni.data, hello->sni.size, SNI_BYTES);
    keep_offer(x, &heap, hello->alpn);
    text_keep(turn, x, &heap);
    x->session_bytes = (uint8_t)weir_left(&hello->session_id);
    if (x->session_bytes)
        memcpy(x->session, hello->session_id.at, x->session_bytes);
}

void tls_exchange_server(struct weir_turn *turn, struct tls_exchange *x, const struct tls_server *hello)
{
    x->answered = true;
    x->version = hello->version;
    x->cipher = hello->cipher;
    x->retry |= hello->retry;
    x->has_group = hello->has_group;
    x->group = hello->group;
    tls_ja3s(hello, x->ja3s);
    if (hello->alpn.data) {
        struct tls_heap heap;
        text_load(x, &heap);
        x->alpn = tls_heap_add(&heap, hello->alpn.data, hello->alpn.size, ALPN_BYTES);
        text_keep(turn, x, &heap);
    }
    /* TLS 1.3 echoes the session id always (RFC 8446 section 4.1.3); what tells there is the key that was accepted. */
    bool echoed = x->session_bytes && weir_left(&hello->session_id) == x->session_bytes &&
                  memcmp(hello->session_id.at, x->session, x->session_bytes) == 0;
    x->resumed = weir_uint(tls_is_13(hello->version) ? hello->psk : echoed);
}

void tls_exchange_certificate(struct weir_turn *turn, struct tls_exchange *x, bool client, const uint8_t *der,
                              size_t size)
{
    struct tls_heap heap;
    text_load(x, &heap);
    if (client)
        (void)tls_x509_subject(&x->client_subject, &heap, der, size);
    else if (!x->x509.subject.set)
        (void)tls_x509_parse(&x->x509, &heap, der, size);
    text_keep(turn, x, &heap);
}

/* ---- rows ---- */

static struct weir_strs list(const struct tls_exchange *x, const struct tls_names *names,
                             struct weir_str items[TLS_NAMES])
{
    bool whole = names->set;
    for (uint32_t i = 0; i < names->count; i++) {
        items[i] = text_get(x, names->items[i]);
        whole &= items[i].data != NULL;
    }
    return (struct weir_strs){items, names->count, whole};
}

void tls_exchange_emit(struct weir_turn *turn, struct tls_exchange *x)
{
    if (!x->open)
        return;
    x->open = false;
    struct weir_str offered[TLS_NAMES], san[TLS_NAMES];
    char rooms[5][TLS_NAME_ROOM];
    struct tls_row row = {0};
    row.version = tls_name_version(x->version, rooms[0]);
    row.client_version = tls_name_version(x->client_version, rooms[1]);
    row.sni = text_get(x, x->sni);
    row.alpn = text_get(x, x->alpn);
    row.alpn_offered = list(x, &x->offered, offered);
    if (x->answered) {
        row.cipher = tls_name_cipher(x->cipher, rooms[2]);
        row.ja3s = weir_str(x->ja3s, TLS_JA3_BYTES);
    }
    if (x->has_group)
        row.group = tls_name_group(x->group, rooms[3]);
    if (x->has_ja3)
        row.ja3 = weir_str(x->ja3, TLS_JA3_BYTES);
    if (x->has_ja4 && !x->quic)
        row.ja4 = weir_str(x->ja4, TLS_JA4_BYTES);
    row.subject = text_get(x, x->x509.subject);
    row.issuer = text_get(x, x->x509.issuer);
    row.serial = text_get(x, x->x509.serial);
    row.not_before = x->x509.not_before;
    row.not_after = x->x509.not_after;
    row.san = list(x, &x->x509.san, san);
    row.client_subject = text_get(x, x->client_subject);
    row.resumed = x->resumed;
    row.established = x->established;
    row.retried = weir_uint(x->retry);
    row.ech = weir_uint(x->ech);
    if (x->has_alert)
        row.alert = tls_name_alert(x->alert, rooms[4]);
    weir_emit(turn, &tls_table, &row, x->ts_ns);
    if (x->text)
        weir_release(turn, x->text);
    x->text = NULL;
    x->text_bytes = 0;
}

void tls_exchange_emit_quic(struct weir_turn *turn, const struct tls_exchange *x, struct weir_str version)
{
    struct weir_str offered[TLS_NAMES];
    struct quic_row row = {0};
    row.version = version;
    row.sni = text_get(x, x->sni);
    row.alpn_offered = list(x, &x->offered, offered);
    if (x->offered.count)
        row.alpn = offered[0];
    if (x->has_ja4)
        row.ja4 = weir_str(x->ja4, TLS_JA4_BYTES);
    weir_emit(turn, &quic_table, &row, x->ts_ns);
}
