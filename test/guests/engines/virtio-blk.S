# SPDX-License-Identifier: BSD-2-Clause
# A disk behind the legacy interface of VIRTIO 1.2, 4.1.4.8, in slot 3: found by its configuration space, told of requests
# by its doorbell, waited for by looking. Where DOORBELL is an address, the modern interface is put there, and its
# doorbell is used.
.include "prologue.inc"
.include "long.inc"
.include "engines/engine.inc"

.set SLOT, 0x80001800      # bus 0, slot 3, function 0
.set GUEST_FEATURES, 4
.set QUEUE_ADDRESS, 8
.set QUEUE_SIZE, 12
.set QUEUE_SELECT, 14
.set NOTIFY, 16
.set STATUS, 18
.set INTERRUPT_STATUS, 19
.set DOORBELL_OFFSET, 0x3000

.set RING, 0x500000
.set HEADER, 0x510000
.set REQUEST_STATUS, 0x510100
.set BUFFER, 0x511000
.set READ, 0
.set WRITE, 1
.set FLUSH, 4

main:
  fninit                   # a reset leaves FCW as 40, some engines as 37f
  xor ebx, ebx
  mov edx, 0x600
  jmp enter_long

.macro config register:req
  mov dx, 0xcf8
  mov eax, SLOT + \register
  out dx, eax
  mov dx, 0xcfc
.endm
# R13 = ports of the device.
.macro port register:req
  lea edx, [r13 + \register]
.endm
.macro descriptor_of index:req, address:req, length:req, flags:req, next:req
  mov qword ptr [RING + 16 * \index], \address
  mov dword ptr [RING + 16 * \index + 8], \length
  mov word ptr [RING + 16 * \index + 12], \flags
  mov word ptr [RING + 16 * \index + 14], \next
.endm
# A request of a sector.
.macro request type:req, sector:req, into:req
  descriptor_of 1, BUFFER, 512, 1 + \into, 2
  mov dword ptr [HEADER], \type
  mov qword ptr [HEADER + 8], \sector
  call submit
.endm

use64
long_main:
  call map_devices
  config 0
  in eax, dx
  say "disk:"
  show "id", rax
.ifdef DOORBELL
  config 0x20
  mov eax, DOORBELL
  out dx, eax
  config 0x24
  xor eax, eax
  out dx, eax
.endif
  config 4
  mov eax, 7
  out dx, eax
  config 0x10
  in eax, dx
  and eax, ~3
  mov r13d, eax
  port STATUS
  mov al, 1
  out dx, al
  mov al, 3
  out dx, al
  port GUEST_FEATURES
  xor eax, eax
  out dx, eax
  port QUEUE_SELECT
  out dx, ax
  port QUEUE_SIZE
  xor eax, eax
  in ax, dx
  show "queue", rax
  newline
  # The available ring lies behind the descriptors, the used one on the next page.
  mov r14d, eax
  shl r14d, 4
  lea r12d, [r14 + rax * 2 + 6 + 4095]
  and r12d, ~4095
  add r14d, RING
  add r12d, RING
  mov edi, RING
  mov ecx, 0x20000 / 4
  xor eax, eax
  rep stosd
  port QUEUE_ADDRESS
  mov eax, RING >> 12
  out dx, eax
  port STATUS
  mov al, 7
  out dx, al
  descriptor_of 0, HEADER, 16, 1, 1
  descriptor_of 2, REQUEST_STATUS, 1, 2, 0

  mov r11d, 1
1:
  mov edi, BUFFER
  mov ecx, 64
  mov rax, 0x0101010101010101
  imul rax, r11
2:
  mov [rdi], rax
  add rax, r11
  add rdi, 8
  dec ecx
  jnz 2b
  lea rax, [r11 + r11 * 4]
  request WRITE, rax, 0
  say "written"
  show "sector", rax
  newline
  inc r11d
  cmp r11d, 12
  jb 1b

  request FLUSH, 0, 0
  say "flushed"
  newline
  mov r11d, 11
3:
  mov edi, BUFFER
  mov ecx, 128
  xor eax, eax
  rep stosd
  lea rax, [r11 + r11 * 4]
  request READ, rax, 2
  say "read"
  show "sector", rax
  hash_memory "hash", BUFFER, 512
  newline
  dec r11d
  jnz 3b
  say "beyond the end:"
  mov rax, 100000
  request READ, rax, 2
  newline
  jmp switch_off

# Keeps RAX; says so if the device reports an error.
submit:
  push rax
  mov byte ptr [REQUEST_STATUS], 0xff
  inc word ptr [r14 + 2]
  xor eax, eax
.ifdef DOORBELL
  mov ecx, DOORBELL + DOORBELL_OFFSET
  mov [rcx], ax
.else
  port NOTIFY
  out dx, ax
.endif
  mov cx, [r14 + 2]
1:
  pause
  cmp [r12 + 2], cx
  jne 1b
  port INTERRUPT_STATUS
  in al, dx
  movzx ecx, byte ptr [REQUEST_STATUS]
  test ecx, ecx
  jz 2f
  show "status", rcx
2:
  pop rax
  ret
