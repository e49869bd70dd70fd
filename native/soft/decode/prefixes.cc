// SPDX-License-Identifier: BSD-2-Clause
#include "soft/decode/prefixes.h"

namespace tsbhyve::soft {
namespace {

/// In 64-bit mode the overrides of ES, CS, SS and DS are null prefixes: they do not even cancel FS or GS.
void override_segment(Prefixes& prefixes, u8 segment, CodeSize code_size) {
  if (code_size != CodeSize::Bits64 || segment >= FS) prefixes.segment = segment;
}

bool read_legacy_prefix(Prefixes& prefixes, u8 byte, CodeSize code_size) {
  switch (byte) {
    case 0x26: override_segment(prefixes, ES, code_size); return true;
    case 0x2e: override_segment(prefixes, CS, code_size); return true;
    case 0x36: override_segment(prefixes, SS, code_size); return true;
    case 0x3e: override_segment(prefixes, DS, code_size); return true;
    case 0x64: override_segment(prefixes, FS, code_size); return true;
    case 0x65: override_segment(prefixes, GS, code_size); return true;
    case 0x66: prefixes.operand_size = true; return true;
    case 0x67: prefixes.address_size = true; return true;
    case 0xf0: prefixes.lock = true; return true;
    case 0xf2: prefixes.repeat = Repeat::Repne; return true;
    case 0xf3: prefixes.repeat = Repeat::Rep; return true;
    default: return false;
  }
}

}  // namespace

Prefixes read_prefixes(Cursor& cursor, CodeSize code_size) {
  Prefixes prefixes;
  u8 rex = 0;
  u8 byte = cursor.take_byte();
  while (!cursor.exhausted()) {
    if (code_size == CodeSize::Bits64 && (byte & 0xf0) == 0x40) {
      rex = byte;
    } else if (read_legacy_prefix(prefixes, byte, code_size)) {
      rex = 0;  // REX counts only directly before the opcode
    } else {
      break;
    }
    byte = cursor.take_byte();
  }
  prefixes.opcode = byte;
  prefixes.rex = rex != 0;
  prefixes.w = rex & 8;
  prefixes.r = rex & 4 ? 8 : 0;
  prefixes.x = rex & 2 ? 8 : 0;
  prefixes.b = rex & 1 ? 8 : 0;
  return prefixes;
}

}  // namespace tsbhyve::soft
