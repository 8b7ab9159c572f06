/*
 * cfg_doc.h - docs/configuration.md, from the table.
 */
#ifndef CONF_CFG_DOC_H
#define CONF_CFG_DOC_H

#include <stdio.h>

void cfg_doc_print(FILE *to); /* Markdown */

#endif
