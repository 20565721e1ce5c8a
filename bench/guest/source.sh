# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# source.sh FUNCTIONS: prints that many types and functions in C, as work for a compiler.
set -eu

echo 'typedef unsigned long word;'
for number in $(seq "$1"); do
    cat <<END
struct node$number { word a, b; struct node$number *next; int kinds[$((number % 7 + 1))]; };
static word sum$number(struct node$number *node, word sum)
{
	sum *= $((number * 7 + 3));
	for (; node; node = node->next) {
		switch (node->kinds[0] & 7) {
		case 0: sum += node->a; break;
		case 1: sum ^= node->b << $((number % 13)); break;
		case 2: sum = sum * 31 + node->a % $((number + 2)); break;
		default: sum -= node->b; node->kinds[0]++;
		}
	}
	return sum;
}
word start$number(struct node$number *node, word sum)
{
	return sum > $number ? sum$number(node, sum + $number) : sum$number(node->next, sum);
}
END
done
