/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector with known counts, for the plugin's test. In its phase 1 a loop of 4
 * instructions runs 1000 times, one of them locked and one a call; in phase 2 a string
 * instruction of 100 steps runs.
 */
.code16
.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl gdt_pointer
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmp $8, $protected

.code32
.macro mark number
	.byte 0x0f, 0x1f, 0x80
	.long 0x56530000 | \number
.endm

protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x7000, %esp
	movl $100, %ecx
	mark 0xffff
	mark 1
	movl $1000, %ecx
around:
	lock incl 0x6000
	call function
	decl %ecx
	jnz around
	mark 0
	nop
	movl $0x8000, %edi
	movl $0x9000, %esi
	movl $100, %ecx
	cld
	mark 2
string:
	rep movsb
	mark 0
	/* Without an interrupt table that is the end. */
	lidt none
	int3

function:
	xchgl %eax, 0x6004
	ret

none:
	.word 0
	.long 0
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff
	.quad 0x00cf92000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
	.org 510
	.word 0xaa55
