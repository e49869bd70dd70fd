# SPDX-License-Identifier: BSD-2-Clause
# Real-address mode: interrupts through the vector table, 16- and 32-bit addressing, wrap-around, limits kept from
# protected mode, the STI shadow, and the way there and back (SDM vol. 3, 9.9 and 20.1).
.include "prologue.inc"

.set ROWS, 0x6000          # what the real-mode code notes: 32 bits a row

.macro note value:req
  mov dword ptr cs:[scratch - low_start], \value
  call note_row
.endm

# Runs `code`; a fault in it notes the vector and the offset from the start, no fault notes -1.
.macro attempt code:vararg
  mov word ptr cs:[landing - low_start], offset 77f-low_start
  mov word ptr cs:[first - low_start], offset 76f-low_start
76:
  \code
  note -1
77:
.endm

.macro arpl_bytes
  .byte 0x63, 0xc0
.endm
.macro hlt_lock
  .byte 0xf0, 0x40
.endm
.macro jmp_ebx
  .byte 0x66, 0xff, 0xe3
.endm

main:
  mov esi, offset low_start
  mov edi, LOW_CODE
  mov ecx, offset low_end
  sub ecx, esi
  rep movsb
  lidt [real_idtr]
  # Vectors 0 to 31: a stub each, at 10h byte distances.
  xor ecx, ecx
1:
  mov eax, ecx
  shl eax, 3
  add eax, offset stubs-low_start
  or eax, (LOW_CODE >> 4) << 16
  mov [ecx * 4], eax
  inc ecx
  cmp ecx, 32
  jb 1b
  mov eax, DATA16
  mov ds, eax
  mov es, eax
  mov ss, eax
  mov fs, eax
  mov ax, DATA      # FS and GS: big real mode
  mov gs, ax
  jmp CODE16:LOW_CODE + to_real - low_start

back32:
  call flat_segments
  mov esp, offset stack_top
  lidt [idtr32]
  mov esi, ROWS
2:
  mov eax, [esi]
  add esi, 4
  cmp eax, 0xeeeeeeee
  je finish
  show "row", eax
  newline
  jmp 2b

.code16
low_start:
to_real:
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  .byte 0xea
  .word in_real - low_start, LOW_CODE >> 4
in_real:
  mov dword ptr cs:[position - low_start], ROWS
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  mov ax, cs
  note eax                    # 8 LOW_CODE >> 4
  pushf
  pop ax
  and ax, 0x7702
  note eax

  # Limits
  attempt mov al, [0xffff]
  mov ebx, 0x10000
  attempt mov al, [ebx]
  attempt mov ax, [bx - 1]
  mov ebx, 0x200000
  attempt mov al, gs:[ebx]    # the limit of protected mode stays
  xor ax, ax
  mov gs, ax
  attempt mov al, gs:[ebx]
  mov ebx, 0xffff
  attempt mov ax, [ebx]
  mov bp, 0xffff
  attempt mov ax, [bp]
  mov bx, 0x8000
  mov si, 0x8000
  mov word ptr [0], 0x1111
  mov ax, [bx + si]           # wraps to 0
  note eax
  mov ax, 0xffff
  mov es, ax
  mov byte ptr es:[0x10], 0x5a  # linear 100000h
  mov al, es:[0x10]
  note eax

  # Stack
  mov esp, 0x00017000
  push 0x1234
  note esp
  pop ax
  mov sp, 0
  push 0x4321
  mov ax, sp
  note eax
  pop ax
  mov ax, sp
  note eax
  mov esp, 0x7000

  # INT and IRET
  mov word ptr [0x60 * 4], offset int_60-low_start
  mov word ptr [0x60 * 4 + 2], LOW_CODE >> 4
  push 0x3202
  popf
  cli
  std
  int 0x60
  pushf
  pop ax
  and ax, 0x7702
  note eax
  cld
  push 0
  popf
  attempt div byte ptr cs:[zero - low_start]
  attempt ud2
  attempt int3
  mov al, 0x7f
  add al, 1
  attempt into
  attempt bound ax, cs:[bounds - low_start]
  attempt lldt ax
  attempt sldt ax
  attempt lar ax, ax
  attempt verr ax
  attempt arpl_bytes
  attempt ltr ax
  smsw ax
  and ax, 0xf
  note eax
  attempt sysenter
  attempt hlt_lock

  # A load in real mode changes base only; CS reads and writes
  mov word ptr cs:[written - low_start], 0x7777
  mov ax, cs:[written - low_start]
  note eax
  # 32-bit operands
  pushfd
  pop eax
  and eax, 0xfffc7702
  note eax
  mov eax, 0x12345678
  push eax
  pop cx
  pop dx
  shl ecx, 16
  mov cx, dx
  note ecx
  # Far call, return, far pointers
  .byte 0x9a
  .word far_target - low_start - 0x20, (LOW_CODE >> 4) + 2
  note eax
  push cs
  push offset 1f-low_start
  retf
1:
  lds si, cs:[pointer - low_start]
  mov ax, ds
  note eax
  note esi
  xor ax, ax
  mov ds, ax
  # Near jumps beyond the segment
  mov ebx, 0x12345
  attempt jmp_ebx
  # LOOP and strings use CX in 16-bit addressing
  mov ecx, 0x10003
  xor ax, ax
2:
  inc ax
  loop 2b
  note eax
  note ecx
  mov ecx, 0x10002
  mov edi, 0x3ffff
  mov ax, ds
  mov es, ax
  mov di, 0xfffe
  rep stosb
  note edi
  note ecx
  # Single step
  mov word ptr [4], offset step-low_start
  mov word ptr [6], LOW_CODE >> 4
  push 0x102
  popf
  nop
  nop
  mov ax, ss
  mov ss, ax
  nop
  push 2
  popf
  nop
  note 0x5555
  lidt cs:[tiny_idtr - low_start]
  note 0x6666
  lidt cs:[real_idtr_low - low_start]
  mov dword ptr cs:[scratch - low_start], 0xeeeeeeee
  call note_row
  lgdt cs:[gdtr_low - low_start]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  .byte 0x66, 0xea
  .long back32
  .word CODE32

far_target:
  pop ax
  pop bx
  push bx
  push ax
  mov ax, cs
  shl eax, 16
  mov ax, bx
  retf

int_60:
  pushf
  pop ax
  and ax, 0x7702
  note eax
  mov bp, sp
  mov ax, [bp + 4]
  and ax, 0x7702
  note eax
  mov ax, [bp + 2]
  note eax
  iret

step:
  push bp
  push eax
  mov bp, sp
  movzx eax, word ptr [bp + 6]
  sub ax, offset stepped-low_start
  mov eax, dr6
  and eax, 0xe00f
  note eax
  pop eax
  pop bp
  iret
stepped:

# One row at ROWS and on.
note_row:
  pushfd
  push eax
  push ebx
  push ds
  xor bx, bx
  mov ds, bx
  mov ebx, cs:[position - low_start]
  mov eax, cs:[scratch - low_start]
  mov [ebx], eax
  add dword ptr cs:[position - low_start], 4
  pop ds
  pop ebx
  pop eax
  popfd
  ret

stubs:
.set VECTOR16, 0
.rept 32
  push VECTOR16
  jmp fault16
  .balign 8, 0xcc
  .set VECTOR16, VECTOR16 + 1
.endr
fault16:  # vector, IP, CS, FLAGS
  pop ax
  shl eax, 16
  pop ax
  sub ax, cs:[first - low_start]
  add sp, 4
  note eax
  mov sp, 0x7000
  mov ax, 0
  mov ds, ax
  jmp cs:[landing - low_start]

zero: .byte 0
bounds: .word 5, 4
landing: .word 0
first: .word 0
written: .word 0
pointer: .word 0x9abc, 0x2222
scratch: .long 0
position: .long 0
tiny_idtr: .word 3, 0, 0
real_idtr_low: .word 0x3ff, 0, 0
gdtr_low: .word gdt_end - gdt - 1
  .long gdt
low_end:
.code32
.data
real_idtr: .word 0x3ff, 0, 0
.text
