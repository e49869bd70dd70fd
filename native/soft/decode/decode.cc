// SPDX-License-Identifier: BSD-2-Clause
// The decoding engine: prefixes, table lookup, ModRM, operands, immediates, in the order of their bytes.
#include "soft/decode/address.h"
#include "soft/decode/forms.h"
#include "soft/decode/instruction.h"

namespace tsbhyve::soft {
namespace {

class Decoder {
 public:
  Decoder(const u8* code, size_t available, CodeSize code_size, Instruction& instruction)
      : cursor_(code, available), available_(available), long_mode_(code_size == CodeSize::Bits64), out_(instruction) {
    out_ = Instruction{};
    out_.code_size = code_size;
  }

  DecodeStatus run() {
    const bool valid = decode_parts();
    if (cursor_.exhausted())
      return available_ >= max_instruction_length ? DecodeStatus::TooLong : DecodeStatus::Truncated;
    if (!valid) invalidate();
    out_.length = cursor_.position();
    return DecodeStatus::Ok;
  }

 private:
  bool decode_parts() {
    prefixes_ = read_prefixes(cursor_, out_.code_size);
    if (cursor_.exhausted()) return false;
    if (prefixes_.segment != no_register) out_.memory.segment = prefixes_.segment;
    entry_ = look_up();
    if (!resolve_extensions() || !allowed_in_mode()) return false;
    out_.opcode = entry_.opcode;
    out_.condition = opcode_byte_ & 15;
    set_sizes();
    if (entry_.attributes & HasModrm && modrm_ < 0xc0)
      read_address(cursor_, prefixes_, modrm_, out_.code_size, out_.address_size, out_.memory);
    for (size_t i = 0; i < entry_.forms.size(); ++i)
      if (entry_.forms[i] != Form::None && !read_operand(entry_.forms[i], out_.operands[i])) return false;
    return finish();
  }

  /// Finds the entry of the opcode bytes; x87 and groups wait for ModRM.
  Entry look_up() {
    opcode_byte_ = prefixes_.opcode;
    const auto column = static_cast<size_t>(prefixes_.column());
    if (opcode_byte_ == 0x0f) {
      opcode_byte_ = cursor_.take_byte();
      const OpcodeMap* map = &map_0f;
      if (opcode_byte_ == 0x38 || opcode_byte_ == 0x3a) {
        map = opcode_byte_ == 0x38 ? &map_0f38 : &map_0f3a;
        opcode_byte_ = cursor_.take_byte();
      }
      return (*map)[column][opcode_byte_];
    }
    if (opcode_byte_ == 0x63 && long_mode_) return movsxd_entry;
    if (opcode_byte_ == 0x90 && prefixes_.b) return one_byte_map[column][0x91];
    if (is_x87()) return Entry{Opcode::Fnop, HasModrm};  // replaced as soon as ModRM is known
    return one_byte_map[column][opcode_byte_];
  }

  bool is_x87() const { return prefixes_.opcode >= 0xd8 && prefixes_.opcode <= 0xdf; }

  /// Reads ModRM and follows it to the final entry. False if there is none.
  bool resolve_extensions() {
    if (entry_.opcode == Opcode::Invalid && entry_.group == Group::None) return false;
    if (!(entry_.attributes & HasModrm)) return true;
    modrm_ = cursor_.take_byte();
    if (entry_.attributes & NoMod) modrm_ |= 0xc0;
    if (is_x87()) {
      entry_ = x87_entry(prefixes_.opcode, modrm_);
      entry_.attributes |= HasModrm;
      out_.immediate = (prefixes_.opcode & 7u) << 8 | modrm_;
    } else if (entry_.group != Group::None) {
      Entry member = group_member(entry_.group, prefixes_.column(), modrm_);
      member.attributes |= entry_.attributes;
      if (member.forms[0] == Form::None) member.forms = entry_.forms;
      entry_ = member;
    }
    return entry_.opcode != Opcode::Invalid;
  }

  bool allowed_in_mode() const { return !(entry_.attributes & (long_mode_ ? No64 : Only64)); }

  void set_sizes() {
    const bool code16 = out_.code_size == CodeSize::Bits16;
    out_.operand_size = code16 == prefixes_.operand_size ? 4 : 2;
    out_.address_size = code16 == prefixes_.address_size ? 4 : 2;
    const u16 attributes = entry_.attributes;
    if (long_mode_) {
      out_.address_size = prefixes_.address_size ? 4 : 8;
      if (prefixes_.w) out_.operand_size = attributes & Max32 ? 4 : 8;
      if (attributes & F64 || (attributes & D64 && !prefixes_.operand_size)) out_.operand_size = 8;
    }
    if (attributes & ModeSize) out_.operand_size = resolve(Width::Mode);
    if (attributes & Byte) out_.operand_size = 1;
  }

  u8 resolve(Width width) const {
    const u8 v = out_.operand_size;
    const u8 z = v == 2 ? 2 : 4;
    switch (width) {
      case Width::V: return v;
      case Width::Z: return z;
      case Width::Y: return prefixes_.w ? 8 : 4;
      case Width::Mode: return long_mode_ ? 8 : 4;
      case Width::Pair: return static_cast<u8>(2 * v);
      case Width::Far: return static_cast<u8>(v + 2);
      case Width::Descriptor: return long_mode_ ? 10 : 6;
      case Width::Exchange: return prefixes_.w ? 16 : 8;
      case Width::Environment: return v == 2 ? 14 : 28;
      case Width::State: return v == 2 ? 94 : 108;
    }
    return static_cast<u8>(width);
  }

  /// Forms that are MMX or XMM depending on the 66 prefix.
  Form vector_form(Form form) const {
    const bool xmm = prefixes_.column() == Column::Prefix66;
    switch (form) {
      case Form::PV: return xmm ? Form::Vx : Form::Pq;
      case Form::QW: return xmm ? Form::Wx : Form::Qq;
      case Form::QdW: return xmm ? Form::Wx : Form::Qd;
      case Form::NU: return xmm ? Form::Ux : Form::Nq;
      default: return form;
    }
  }

  bool read_operand(Form form, Operand& operand) {
    const FormInfo& info = form_info(vector_form(form));
    const bool is_register = modrm_ >= 0xc0;
    const u8 rm = modrm_ & 7;
    switch (info.place) {
      case Place::None: return false;
      case Place::Reg: return set_register(operand, info, modrm_ >> 3 & 7, prefixes_.r);
      case Place::RmRegister: return is_register && set_register(operand, info, rm, prefixes_.b);
      case Place::Rm:
        if (is_register) return set_register(operand, info, rm, prefixes_.b);
        [[fallthrough]];
      case Place::MemoryOnly: operand = {OperandKind::Memory, 0, resolve(info.memory_width)}; return !is_register;
      case Place::OpcodeReg: return set_register(operand, info, opcode_byte_ & 7, prefixes_.b);
      case Place::StackTop: operand = {info.kind, rm, resolve(info.width)}; return true;
      case Place::Fixed: operand = {info.kind, info.reg, resolve(info.width)}; return true;
      default: read_immediate(info, operand); return true;
    }
  }

  /// False for registers that do not exist.
  bool set_register(Operand& operand, const FormInfo& info, u8 low, u8 high) const {
    operand = {info.kind, static_cast<u8>(low | high), resolve(info.width)};
    switch (info.kind) {
      case OperandKind::Gpr:
        if (operand.size == 1 && !prefixes_.rex && low >= 4)
          operand = {OperandKind::GprHigh, static_cast<u8>(low - 4), 1};
        return true;
      case OperandKind::Segment: operand.reg = low; return low <= GS;
      case OperandKind::Mmx: operand.reg = low; return true;
      case OperandKind::Control: return operand.reg == 0 || (operand.reg >= 2 && operand.reg <= 4) || operand.reg == 8;
      case OperandKind::Debug: return high == 0;
      default: return true;
    }
  }

  void read_immediate(const FormInfo& info, Operand& operand) {
    operand = {info.kind, 0, resolve(info.width)};
    const u8 size = resolve(info.encoded);
    switch (info.place) {
      case Place::Constant1: out_.immediate = 1; break;
      case Place::Relative:
      case Place::SignedImmediate: out_.immediate = static_cast<u64>(cursor_.take_signed(size)); break;
      case Place::NestedImmediate:
        out_.immediate = cursor_.take(2);
        out_.selector = static_cast<u16>(cursor_.take(1));
        break;
      case Place::FarPointer:
        out_.immediate = cursor_.take(size);
        out_.selector = static_cast<u16>(cursor_.take(2));
        break;
      case Place::Offset: out_.memory.displacement = cursor_.take_signed(out_.address_size); break;
      default: out_.immediate = cursor_.take(size); break;
    }
  }

  /// Rules that need the whole instruction. False for #UD.
  bool finish() {
    if (entry_.attributes & String) out_.repeat = prefixes_.repeat;
    if (out_.opcode == Opcode::Cmpxchg8b && prefixes_.w) out_.opcode = Opcode::Cmpxchg16b;
    const Operand& destination = out_.operands[0];
    if (out_.opcode == Opcode::MovSeg && destination.kind == OperandKind::Segment && destination.reg == CS)
      return false;
    if (!prefixes_.lock) return true;
    out_.lock = true;
    return entry_.attributes & Lockable && destination.kind == OperandKind::Memory;
  }

  void invalidate() {
    const CodeSize code_size = out_.code_size;
    out_ = Instruction{};
    out_.code_size = code_size;
  }

  Cursor cursor_;
  size_t available_;
  bool long_mode_;
  Instruction& out_;
  Prefixes prefixes_;
  Entry entry_;
  u8 opcode_byte_ = 0;
  u8 modrm_ = 0;
};

}  // namespace

DecodeStatus decode(const u8* bytes, size_t available, CodeSize code_size, Instruction& instruction) {
  return Decoder(bytes, available, code_size, instruction).run();
}

}  // namespace tsbhyve::soft
