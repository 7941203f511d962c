/* SPDX-License-Identifier: Apache-2.0
 *
 * number: texts as java.lang.Double reads them. SQL literals and property
 * values that are compared as floating-point numbers come through here;
 * integers are span_to_i32 and span_to_i64.
 */
#ifndef MQ_FILTER_NUMBER_H
#define MQ_FILTER_NUMBER_H

#include "core/base/span.h"

/* Double.valueOf: blanks around it, NaN, Infinity, decimal or hexadecimal with an exponent, a last f, F, d or D. Of
 * any length, correctly rounded, without allocation. */
bool double_parse(struct span text, double *out);
/* Double.compareTo: NaN equals itself and is the greatest, -0.0 is less than 0.0. */
int double_compare(double a, double b);

#endif
