/* Mirrors conf/cfg.c. */
#include <criterion/criterion.h>

#include "tests/unit/conf/loading.h"

Test(cfg, it_lives_until_the_last_reference_goes)
{
    struct cfg *c = loading_good(LOADING_GOOD);

    cr_expect_eq(cfg_ref(c), c);
    cfg_unref(c);
    cr_expect_eq(c->n_services, 1); /* the sanitizer would see a freed one */
    cfg_unref(c);
    cfg_unref(NULL);
}

Test(cfg, a_service_is_found_by_its_whole_name)
{
    struct cfg *c =
        loading_good("listeners: 127.0.0.1:80\n"
                     "services:\n"
                     "  shop: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"
                     "  shop2: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"
                     "routes: { service: shop }\n");

    cr_expect_eq(cfg_service_find(c, "shop"), &c->services[0]);
    cr_expect_eq(cfg_service_find(c, "shop2"), &c->services[1]);
    cr_expect_null(cfg_service_find(c, "sho"));
    cr_expect_null(cfg_service_find(c, ""));
    cfg_unref(c);
}
