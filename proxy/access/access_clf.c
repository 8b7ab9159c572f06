#include "proxy/access/access_clf.h"

static void put_or_dash(struct access_text *to, enum access_escape how,
                        struct access_piece p)
{
    if (p.len == 0)
        access_text_char(to, '-');
    else
        access_text_escaped(to, how, p.p, p.len);
}

static void put_quoted(struct access_text *to, const struct access_line *l,
                       enum access_text_id id)
{
    ACCESS_TEXT_LITERAL(to, " \"");
    put_or_dash(to, ACCESS_ESCAPE_NGINX, access_line_text(l, id));
    access_text_char(to, '"');
}

void access_clf_put(struct access_text *to, const struct access_line *l, bool combined)
{
    access_text_address(to, (const struct sockaddr *)&l->r->client, l->how->mask_address);
    ACCESS_TEXT_LITERAL(to, " - ");
    put_or_dash(to, ACCESS_ESCAPE_WORD, access_line_text(l, ACCESS_REMOTE_USER));
    ACCESS_TEXT_LITERAL(to, " [");
    access_text_time_clf(to, l->wall_us, l->zone_s);
    ACCESS_TEXT_LITERAL(to, "] \"");
    access_line_request(to, l, ACCESS_ESCAPE_NGINX);
    ACCESS_TEXT_LITERAL(to, "\" ");
    access_line_status(to, l);
    access_text_char(to, ' ');
    access_text_number(to, l->r->bytes_out);
    if (!combined)
        return;
    put_quoted(to, l, ACCESS_REFERER);
    put_quoted(to, l, ACCESS_USER_AGENT);
}
