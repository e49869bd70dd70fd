// SPDX-License-Identifier: BSD-2-Clause
#include "zydis_compare.h"

#include <cctype>

#include "zydis_names.h"

namespace tsbhyve::soft::test {
namespace {

ZydisDecoder make_decoder(CodeSize code_size) {
  ZydisDecoder decoder;
  switch (code_size) {
    case CodeSize::Bits16: ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16); break;
    case CodeSize::Bits32: ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32); break;
    case CodeSize::Bits64: ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); break;
  }
  // Like a processor whose CPUID lacks these.
  for (const ZydisDecoderMode mode :
       {ZYDIS_DECODER_MODE_KNC, ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT,
        ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_AMD_BRANCHES})
    ZydisDecoderEnableMode(&decoder, mode, ZYAN_FALSE);
  return decoder;
}

const ZydisDecoder& decoder_for(CodeSize code_size) {
  static const ZydisDecoder decoders[] = {make_decoder(CodeSize::Bits16), make_decoder(CodeSize::Bits32),
                                          make_decoder(CodeSize::Bits64)};
  return decoders[static_cast<size_t>(code_size)];
}

u8 register_number(ZydisRegister reg) {
  if (reg == ZYDIS_REGISTER_NONE) return no_register;
  if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP || reg == ZYDIS_REGISTER_IP) return rip_register;
  return static_cast<u8>(ZydisRegisterGetId(reg));
}

Operand convert_register(ZydisRegister reg, u16 bits) {
  const u8 id = static_cast<u8>(ZydisRegisterGetId(reg));
  const u8 size = static_cast<u8>(bits / 8);
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8: {
      const u8 number = static_cast<u8>(reg - ZYDIS_REGISTER_AL);
      if (number >= 4 && number < 8) return {OperandKind::GprHigh, static_cast<u8>(number - 4), 1};
      return {OperandKind::Gpr, static_cast<u8>(number < 4 ? number : number - 4), 1};
    }
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64: return {OperandKind::Gpr, id, size};
    case ZYDIS_REGCLASS_X87: return {OperandKind::Fpu, id, 10};
    case ZYDIS_REGCLASS_MMX: return {OperandKind::Mmx, id, 8};
    case ZYDIS_REGCLASS_XMM: return {OperandKind::Xmm, id, 16};
    case ZYDIS_REGCLASS_SEGMENT: return {OperandKind::Segment, id, 2};
    case ZYDIS_REGCLASS_CONTROL: return {OperandKind::Control, id, size};
    case ZYDIS_REGCLASS_DEBUG: return {OperandKind::Debug, id, size};
    default: return {};
  }
}

std::string compare_memory(const Instruction& ours, const ZydisDecodedOperand& theirs, size_t index) {
  const Operand& operand = ours.operands[index];
  if (operand.kind != OperandKind::Memory) return "operand kind";
  const bool address_only = theirs.mem.type == ZYDIS_MEMOP_TYPE_AGEN || operand.size == 0;
  if (!address_only && operand.size != theirs.size / 8)
    return "memory size " + std::to_string(operand.size) + " not " + std::to_string(theirs.size / 8);
  constexpr unsigned fxsave_bits = 512 * 8, xsave_bits = 576 * 8;
  if (address_only && operand.size == 0 && theirs.size != fxsave_bits && theirs.size != xsave_bits)
    return "memory size 0, not " + std::to_string(theirs.size / 8);
  const MemoryOperand& memory = ours.memory;
  if (memory.base != register_number(theirs.mem.base)) {
    return "base " + std::to_string(memory.base) + " not " + std::to_string(register_number(theirs.mem.base));
  }
  if (memory.index != register_number(theirs.mem.index)) return "index";
  if (memory.index != no_register && 1u << memory.scale != theirs.mem.scale && theirs.mem.scale != 0) return "scale";
  const i64 displacement = theirs.mem.disp.has_displacement ? theirs.mem.disp.value : 0;
  const u64 mask = ours.address_size == 8 ? ~u64{0} : (u64{1} << ours.address_size * 8) - 1;
  if ((static_cast<u64>(memory.displacement ^ displacement) & mask) != 0) return "displacement";
  if (!address_only && memory.segment != ZydisRegisterGetId(theirs.mem.segment)) return "segment";
  return {};
}

std::string compare_immediate(const Instruction& ours, const ZydisDecodedOperand& theirs, size_t index) {
  const Operand& operand = ours.operands[index];
  if (theirs.imm.is_relative) {
    if (operand.kind != OperandKind::Relative) return "operand kind";
    return static_cast<i64>(ours.immediate) == theirs.imm.value.s ? "" : "relative";
  }
  if (operand.kind != OperandKind::Immediate) return "operand kind";
  const u64 mask = operand.size >= 8 ? ~u64{0} : (u64{1} << operand.size * 8) - 1;
  return (ours.immediate & mask) == (theirs.imm.value.u & mask) ? "" : "immediate";
}

std::string compare_operand(const Instruction& ours, const ZydisDecodedOperand& theirs, size_t index) {
  const Operand& operand = ours.operands[index];
  switch (theirs.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      const Operand expected = convert_register(theirs.reg.value, theirs.size);
      if (operand.kind != expected.kind) return "operand kind";
      if (operand.reg != expected.reg) return "register";
      return operand.size == expected.size
                 ? ""
                 : "register size " + std::to_string(operand.size) + " not " + std::to_string(expected.size);
    }
    case ZYDIS_OPERAND_TYPE_MEMORY: return compare_memory(ours, theirs, index);
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: return compare_immediate(ours, theirs, index);
    case ZYDIS_OPERAND_TYPE_POINTER:
      if (operand.kind != OperandKind::FarPointer) return "operand kind";
      return ours.immediate == theirs.ptr.offset && ours.selector == theirs.ptr.segment ? "" : "far pointer";
    default: return "operand type";
  }
}

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// Operands that are compared; Zydis also prints the implicit ones of string operations and NOP's unused one.
bool compares_operands(const Instruction& ours) {
  switch (ours.opcode) {
    case Opcode::Nop:
    case Opcode::Ud:
    case Opcode::Movs:
    case Opcode::Cmps:
    case Opcode::Stos:
    case Opcode::Lods:
    case Opcode::Scas:
    case Opcode::Ins:
    case Opcode::Outs:
    case Opcode::Xlat: return false;
    default: return true;
  }
}

bool is_st0(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value == ZYDIS_REGISTER_ST0;
}

std::string compare_operands(const Instruction& ours, const Disassembly& zydis) {
  size_t ours_at = 0;
  size_t theirs_at = 0;
  const ZydisDecodedOperand* theirs = zydis.operands;
  size_t count = zydis.instruction.operand_count_visible;
  // Which forms show ST(0) differs from one x87 instruction to the next in Zydis.
  if (ours.operands[0].kind == OperandKind::Fpu && ours.operands[1].kind == OperandKind::Memory) ours_at = 1;
  if (count == 2 && ours.operands[1].kind == OperandKind::None && is_st0(theirs[0])) theirs_at = 1;
  if (ours.opcode == Opcode::Enter) count = 1;  // the nesting level is in Instruction::selector
  for (; theirs_at < count && ours_at < 3; ++ours_at, ++theirs_at)
    if (const std::string difference = compare_operand(ours, theirs[theirs_at], ours_at); !difference.empty())
      return "operand " + std::to_string(ours_at) + " " + difference;
  const bool names_segment = ours.opcode == Opcode::LoadFarPointer;
  if (ours_at < 3 && ours.operands[ours_at].kind != OperandKind::None && !names_segment) return "too many operands";
  return {};
}

Repeat repeat_of(const ZydisDecodedInstruction& theirs) {
  if (theirs.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) return Repeat::Rep;
  return theirs.attributes & ZYDIS_ATTRIB_HAS_REPNE ? Repeat::Repne : Repeat::None;
}

bool is_integer(const Instruction& ours) { return ours.opcode < Opcode::Fadd; }

std::string compare_fields(const Instruction& ours, const Disassembly& zydis) {
  const ZydisDecodedInstruction& theirs = zydis.instruction;
  if (ours.length != theirs.length) return "length";
  int condition = -1;
  const std::string name = our_name(zydis, condition);
  if (lower(opcode_name(ours.opcode)) != name) return std::string("name ") + opcode_name(ours.opcode);
  if (condition >= 0 && ours.condition != condition) return "condition";
  if (ours.address_size * 8 != theirs.address_width) return "address size";
  if (is_integer(ours) && ours.operand_size * 8 != theirs.operand_width)
    return "operand size " + std::to_string(ours.operand_size) + " not " + std::to_string(theirs.operand_width / 8);
  if (ours.lock != ((theirs.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0)) return "lock";
  if (!compares_operands(ours) && repeat_of(theirs) != ours.repeat && ours.opcode >= Opcode::Movs &&
      ours.opcode <= Opcode::Outs)
    return "repeat";
  if (compares_operands(ours)) return compare_operands(ours, zydis);
  return ours.operands[0].kind == OperandKind::None ? "" : "operands listed";
}

}  // namespace

std::string compare_with_zydis(const u8* bytes, size_t available, CodeSize code_size) {
  Instruction ours;
  const DecodeStatus status = decode(bytes, available, code_size, ours);
  Disassembly theirs{};
  const ZyanStatus zydis =
      ZydisDecoderDecodeFull(&decoder_for(code_size), bytes, available, &theirs.instruction, theirs.operands);
  const bool decoded = ZYAN_SUCCESS(zydis);
  const bool valid = decoded && in_feature_set(theirs);
  const std::string name = decoded ? std::string(" (") + ZydisMnemonicGetString(theirs.instruction.mnemonic) + ", " +
                                         ZydisISAExtGetString(theirs.instruction.meta.isa_ext) + ")"
                                   : "";
  const bool short_ours = status != DecodeStatus::Ok;
  const bool short_theirs = zydis == ZYDIS_STATUS_NO_MORE_DATA || zydis == ZYDIS_STATUS_INSTRUCTION_TOO_LONG;
  // An invalid instruction may be called so before or after its last byte has been asked for.
  const bool invalid_ours = !short_ours && ours.opcode == Opcode::Invalid;
  if (short_ours || short_theirs)
    return (short_ours && (short_theirs || !valid)) || (short_theirs && (short_ours || invalid_ours))
               ? ""
               : "bytes needed" + name;
  if (valid != !invalid_ours)
    return (valid ? "only Zydis accepts" : std::string("only we accept as ") + opcode_name(ours.opcode)) + name;
  if (!valid) return {};
  std::string difference = compare_fields(ours, theirs);
  if (difference.empty()) return {};
  difference += name;
  return is_known_difference(ours.opcode, difference) ? "" : difference;
}

}  // namespace tsbhyve::soft::test
