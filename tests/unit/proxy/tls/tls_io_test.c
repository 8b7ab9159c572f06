/* Mirrors proxy/tls/tls_io.c. */
#include "tests/unit/proxy/tls/tls_fixture.h"

static struct tls_fixture f;

static void setup(void)
{
    fixture_init(&f, "", "");
}

static void teardown(void)
{
    fixture_fini(&f);
}

static void established(void)
{
    char none[16];

    setup();
    fixture_call(&f, "a.example");
    cr_assert(fixture_handshake(&f), "%s %s", tls_io_reason(f.client),
              tls_io_reason(f.server));
    cr_assert_eq(tls_io_read(f.client, &f.block, none, sizeof(none)), TLS_IO_AGAIN);
}

static void say(struct tls_io *t, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};

    cr_assert(tls_io_write(t, &f.block, &iov, 1));
}

static void hears(struct tls_io *t, const char *text)
{
    char got[64] = "";
    ssize_t n = tls_io_read(t, &f.block, got, sizeof(got) - 1);

    cr_expect_eq(n, (ssize_t)strlen(text), "%zd", n);
    cr_expect_str_eq(got, text);
}

Test(tls_io, both_sides_know_one_another, .init = established, .fini = teardown)
{
    size_t len;

    cr_expect(tls_io_is_server(f.server) && !tls_io_is_server(f.client));
    cr_expect(memcmp(tls_io_protocol(f.server, &len), "http/1.1", 8) == 0 && len == 8);
    cr_expect(memcmp(tls_io_protocol(f.client, &len), "http/1.1", 8) == 0 && len == 8);
    cr_expect_str_eq(tls_io_subject(f.server), "");
    cr_expect_not(tls_io_resumed(f.client));
}

Test(tls_io, text_goes_both_ways, .init = established, .fini = teardown)
{
    say(f.client, "ping");
    fixture_carry(&f, f.server);
    hears(f.server, "ping");
    say(f.server, "pong");
    fixture_carry(&f, f.client);
    hears(f.client, "pong");
}

/* RFC 8446, 5.2: at most 2^14 bytes and 256 more in a record. */
Test(tls_io, small_pieces_share_a_record_and_large_ones_fill_records, .init = established,
     .fini = teardown)
{
    static char body[40000];
    struct iovec iov[3] = {
        {(void *)(uintptr_t) "head", 4}, {body, sizeof(body)}, {body, 3}};
    size_t records = 0, total = 0;

    cr_assert(tls_io_write(f.server, &f.block, iov, 3));
    for (size_t at = 0; at < f.block.out_len; records++) {
        size_t n = (size_t)f.block.out[at + 3] << 8 | f.block.out[at + 4];

        cr_expect(n <= 16384 + 256);
        at += 5 + n;
        total += n - 17;
    }
    cr_expect_eq(records, 3, "%zu", records);
    cr_expect_eq(total, 40007, "%zu", total);
}

/* What does not fit into the reader's room is not lost. */
Test(tls_io, a_small_room_takes_several_reads, .init = established, .fini = teardown)
{
    char got[8];

    say(f.client, "0123456789");
    say(f.client, "abc");
    fixture_carry(&f, f.server);
    cr_expect_eq(tls_io_read(f.server, &f.block, got, 4), 4);
    cr_expect(tls_io_holds(f.server));
    cr_expect_eq(tls_io_read(f.server, &f.block, got, 8), 8);
    cr_expect(memcmp(got, "456789ab", 8) == 0, "%.8s", got);
    cr_expect(tls_io_holds(f.server));
    cr_expect_eq(tls_io_read(f.server, &f.block, got, 8), 1);
    cr_expect_not(tls_io_holds(f.server));
}

Test(tls_io, an_end_that_came_with_text_is_told_after_it, .init = established,
     .fini = teardown)
{
    char none[4];

    say(f.client, "last");
    tls_io_end(f.client);
    fixture_carry(&f, f.server);
    hears(f.server, "last");
    cr_expect(tls_io_holds(f.server));
    cr_expect_eq(tls_io_read(f.server, &f.block, none, 4), TLS_IO_EOF);
    say(f.server, "still heard");
    fixture_carry(&f, f.client);
    hears(f.client, "still heard");
}

Test(tls_io, an_end_without_close_notify_is_a_break, .init = established, .fini = teardown)
{
    cr_expect_eq(tls_io_ended(f.server), TLS_IO_BROKEN);
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_CLOSED);
    tls_io_end(f.client);
    fixture_carry(&f, f.server);
    fixture_call(&f, "a.example");
    cr_expect_eq(tls_io_ended(f.server), TLS_IO_BROKEN, "in the handshake");
}

Test(tls_io, one_flipped_bit_breaks_it, .init = established, .fini = teardown)
{
    char none[4];

    say(f.client, "text");
    f.block.out[f.block.out_len - 1] ^= 1;
    fixture_carry(&f, f.server);
    cr_expect_eq(tls_io_read(f.server, &f.block, none, 4), TLS_IO_BROKEN);
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_BAD_RECORD);
    cr_expect(f.block.out_len > 0, "an alert is to be sent");
}

/* However the bytes are cut, both get through the handshake and hear the same. */
Test(tls_io, the_cut_does_not_matter, .init = setup, .fini = teardown)
{
    for (size_t piece = 1; piece < 200; piece += 37) {
        char got[16];
        ssize_t n = TLS_IO_AGAIN;

        fixture_call(&f, "a.example");
        while (!tls_io_established(f.client) || n != 4) {
            struct tls_io *to = f.server;
            uint8_t flight[8192];
            size_t len;

            for (int side = 0; side < 2; side++, to = f.client) {
                if (side == 0 && tls_io_handshake(f.client, &f.block) > 0)
                    say(f.client, "text");
                len = f.block.out_len;
                cr_assert(len <= sizeof(flight));
                memcpy(flight, f.block.out, len);
                f.block.out_len = 0;
                for (size_t at = 0; at < len; at += piece) {
                    size_t part = len - at < piece ? len - at : piece;
                    ssize_t rc;

                    memcpy(f.block.in, flight + at, part);
                    tls_io_received(to, &f.block, part);
                    rc = side == 0 || tls_io_established(to)
                             ? tls_io_read(to, &f.block, got, sizeof(got))
                             : tls_io_handshake(to, &f.block);
                    cr_assert(rc >= TLS_IO_AGAIN && rc != 0, "%zd", rc);
                    n = side == 0 && rc > 0 ? rc : n;
                }
            }
        }
        cr_expect(memcmp(got, "text", 4) == 0);
    }
}

static void first_bytes(const char *bytes, ssize_t rc, enum tls_io_fault fault)
{
    char none[4];

    fixture_call(&f, "a.example");
    memcpy(f.block.in, bytes, strlen(bytes));
    tls_io_received(f.server, &f.block, strlen(bytes));
    cr_expect_eq(tls_io_read(f.server, &f.block, none, 4), rc, "%s", bytes);
    if (rc == TLS_IO_BROKEN)
        cr_expect_eq(tls_io_fault(f.server), fault, "%s: %d", bytes,
                     tls_io_fault(f.server));
}

Test(tls_io, plain_http_is_told_from_garbage, .init = setup, .fini = teardown)
{
    first_bytes("GET / HTTP/1.1\r\n", TLS_IO_PLAIN, 0);
    first_bytes("P", TLS_IO_PLAIN, 0);
    first_bytes("OPTIONS * HTTP/1.1\r\n", TLS_IO_PLAIN, 0);
    first_bytes("\x16\x03\x01", TLS_IO_AGAIN, 0);
    first_bytes("garbage garbage", TLS_IO_BROKEN, TLS_IO_F_BAD_RECORD);
    first_bytes("\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06", TLS_IO_BROKEN,
                TLS_IO_F_BAD_RECORD);
}

Test(tls_io, nothing_can_be_written_before_the_handshake, .init = setup, .fini = teardown)
{
    struct iovec iov = {(void *)(uintptr_t) "x", 1};

    fixture_call(&f, "a.example");
    cr_expect_not(tls_io_write(f.server, &f.block, &iov, 1));
    tls_io_end(f.server);
    cr_expect_eq(f.block.out_len, 0);
}
