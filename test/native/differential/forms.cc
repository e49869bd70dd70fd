// SPDX-License-Identifier: BSD-2-Clause
#include "forms.h"

#include <algorithm>

namespace tsbhyve::differential {

namespace {

using enum Opcode;

/// System calls and exits to the kernel, the machine's identity and clocks, what other prefixes turn into instructions
/// that only the host knows, and what UMIP lets the kernel fake. INT1: virtual machine monitors report it at different
/// addresses.
constexpr Opcode untestable[] = {
    Invalid, Int,     Int1,    Syscall, Sysenter, Cpuid,    Rdtsc,  Rdtscp, Rdpmc,   Rdpid, Xgetbv,
    Xsetbv,  Monitor, Mwait,   Vmcall,  Rsm,      Getsec,   Sgdt,   Sidt,   Sldt,    Str,   Smsw,
    Sysret,  Sysexit, Invpcid, Xsave,   Xrstor,   Xsaveopt, Xsavec, Xsaves, Xrstors, Movbe, Pause,
};

bool is_prefix(u8 byte, CodeSize code_size) {
  if (code_size == CodeSize::Bits64 && (byte & 0xf0) == 0x40) return true;
  constexpr u8 prefixes[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
  return std::find(std::begin(prefixes), std::end(prefixes), byte) != std::end(prefixes);
}

constexpr u8 template_bytes = 15;

/// The form as bytes, zeros behind the ModRM byte.
void encode(const Form& form, u8 (&bytes)[template_bytes]) {
  size_t at = 0;
  std::memset(bytes, 0, sizeof(bytes));
  if (form.prefix) bytes[at++] = form.prefix;
  if (form.rex_w) bytes[at++] = 0x48;
  for (size_t i = 0; i < opcode_maps[form.map].count; i++) bytes[at++] = opcode_maps[form.map].bytes[i];
  bytes[at++] = form.opcode_byte;
  bytes[at] = form.modrm;
}

class Collector {
 public:
  void add_opcode(Form form) {
    const size_t first = forms.size();
    for (u32 modrm = 0; modrm < 256; modrm++) {
      form.modrm = static_cast<u8>(modrm);
      u8 bytes[template_bytes];
      encode(form, bytes);
      Instruction instruction;
      if (decode(bytes, sizeof(bytes), form.code_size, instruction) != DecodeStatus::Ok || !testable(instruction))
        continue;
      form.opcode = instruction.opcode;
      form.memory = names_memory(instruction);
      const bool known =
          std::any_of(forms.begin() + static_cast<std::ptrdiff_t>(first), forms.end(),
                      [&](const Form& other) { return other.opcode == form.opcode && other.memory == form.memory; });
      if (!known) forms.push_back(form);
    }
  }

  std::vector<Form> forms;
};

}  // namespace

const char* family_name(Family family) {
  constexpr const char* names[] = {"integer", "branch", "string", "system", "x87", "sse"};
  return names[static_cast<size_t>(family)];
}

/// The order of opcodes.def.
Family family_of(Opcode opcode) {
  if (opcode <= Salc) return Family::Integer;
  if (opcode <= Pause) return Family::Branch;
  if (opcode <= Outs) return Family::String;
  if (opcode <= Getsec) return Family::System;
  if (opcode <= Xrstors) return Family::X87;
  return Family::Sse;
}

bool names_memory(const Instruction& instruction) {
  return std::any_of(std::begin(instruction.operands), std::end(instruction.operands),
                     [](const Operand& operand) { return operand.kind == OperandKind::Memory; });
}

bool testable(const Instruction& instruction) {
  return std::find(std::begin(untestable), std::end(untestable), instruction.opcode) == std::end(untestable);
}

std::vector<Form> all_forms() {
  Collector collector;
  for (const CodeSize code_size : {CodeSize::Bits64, CodeSize::Bits32, CodeSize::Bits16}) {
    for (u8 map = 0; map < std::size(opcode_maps); map++) {
      for (u32 byte = 0; byte < 256; byte++) {
        if (map == 0 && is_prefix(static_cast<u8>(byte), code_size)) continue;
        if (map == 1 && (byte == 0x38 || byte == 0x3a)) continue;
        for (const u8 prefix : {u8{0}, u8{0x66}, u8{0xf3}, u8{0xf2}}) {
          for (const bool rex_w : {false, true}) {
            if (rex_w && code_size != CodeSize::Bits64) continue;
            collector.add_opcode({code_size, map, static_cast<u8>(byte), prefix, rex_w, 0, false, Invalid});
          }
        }
      }
    }
  }
  return std::move(collector.forms);
}

std::string describe(const Form& form) {
  constexpr const char* sizes[] = {"16", "32", "64"};
  char text[96];
  std::snprintf(text, sizeof(text), "%s-bit %s map %u byte %02x prefix %02x%s %s",
                sizes[static_cast<size_t>(form.code_size)], opcode_name(form.opcode), form.map, form.opcode_byte,
                form.prefix, form.rex_w ? " W" : "", form.memory ? "memory" : "register");
  return text;
}

}  // namespace tsbhyve::differential
