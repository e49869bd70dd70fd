/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of FreeBSD's <machine/vmm_snapshot.h> (14 and 15) that this program uses. See vmm.h beside it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum snapshot_req {
  STRUCT_VIOAPIC = 1,
  STRUCT_VM,
  STRUCT_VLAPIC,
  VM_MEM,
  STRUCT_VHPET,
  STRUCT_VMCX,
  STRUCT_VATPIC,
  STRUCT_VATPIT,
  STRUCT_VPMTMR,
  STRUCT_VRTC
};

struct vm_snapshot_buffer {
  uint8_t* const buf_start;
  const size_t buf_size;
  uint8_t* buf;
  size_t buf_rem;
};

enum vm_snapshot_op { VM_SNAPSHOT_SAVE, VM_SNAPSHOT_RESTORE };

struct vm_snapshot_meta {
  void* dev_data;
  const char* dev_name;
  enum snapshot_req dev_req;
  struct vm_snapshot_buffer buffer;
  enum vm_snapshot_op op;
};
