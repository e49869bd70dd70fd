// SPDX-License-Identifier: BSD-2-Clause
#include "zydis_names.h"

#include <map>
#include <set>

namespace tsbhyve::soft::test {
namespace {

/// Zydis' ISA extensions that the model has. With Zydis' decoder modes for CET, MPX, LZCNT, TZCNT and CLDEMOTE off it
/// shows the instructions that older processors execute in their place.
const std::set<std::string> extensions = {
    "AMD3DNOW_PREFETCH", "BASE", "CLFSH", "INVPCID", "LONGMODE", "MMX",  "MONITOR", "PAUSE", "PREFETCHWT1", "RDTSCP",
    "RDWRFSGS",          "SMAP", "SMX",   "SSE",     "SSE2",     "SSE3", "SSE4",    "SSSE3", "X87",
};

/// Known to the decoder though their extensions are not there, or not in every model: executing them raises #UD.
const std::set<std::string> decoded_anyway = {"vmcall", "vmmcall", "xgetbv", "xsetbv",
                                              "xsave",  "xsave64", "xrstor", "xrstor64"};

// clang-format off
const std::map<std::string, std::string> aliases = {
    {"cdq", "cwd"}, {"cqo", "cwd"}, {"cwde", "cbw"}, {"cdqe", "cbw"},
    {"stosb", "stos"}, {"stosw", "stos"}, {"stosd", "stos"}, {"stosq", "stos"},
    {"scasb", "scas"}, {"scasw", "scas"}, {"scasd", "scas"}, {"scasq", "scas"},
    {"lodsb", "lods"}, {"lodsw", "lods"}, {"lodsd", "lods"}, {"lodsq", "lods"},
    {"movsb", "movs"}, {"movsw", "movs"}, {"movsq", "movs"}, {"cmpsb", "cmps"}, {"cmpsw", "cmps"}, {"cmpsq", "cmps"},
    {"insb", "ins"}, {"insw", "ins"}, {"insd", "ins"}, {"outsb", "outs"}, {"outsw", "outs"}, {"outsd", "outs"},
    {"iretd", "iret"}, {"iretq", "iret"},
    {"pushfd", "pushf"}, {"pushfq", "pushf"}, {"popfd", "popf"}, {"popfq", "popf"},
    {"pushad", "pusha"}, {"popad", "popa"}, {"jecxz", "jcxz"}, {"jrcxz", "jcxz"},
    {"ud0", "ud"}, {"ud1", "ud"}, {"ud2", "ud"}, {"vmmcall", "vmcall"},
    {"les", "loadfarpointer"}, {"lds", "loadfarpointer"}, {"lss", "loadfarpointer"},
    {"lfs", "loadfarpointer"}, {"lgs", "loadfarpointer"},
    {"prefetchnta", "prefetch"}, {"prefetcht0", "prefetch"}, {"prefetcht1", "prefetch"}, {"prefetcht2", "prefetch"},
    {"prefetchw", "prefetch"}, {"prefetchwt1", "prefetch"},
    {"fstpnce", "fstp"}, {"fsetpm287_nop", "fnop"}, {"feni8087_nop", "fnop"}, {"fdisi8087_nop", "fnop"},
    {"pextrq", "pextrd"}, {"pinsrq", "pinsrd"}, {"fxsave64", "fxsave"}, {"fxrstor64", "fxrstor"},
    {"xsave64", "xsave"}, {"xrstor64", "xrstor"},
};
// clang-format on

const std::map<std::string, int> conditions = {
    {"o", 0}, {"no", 1}, {"b", 2},  {"nb", 3},  {"z", 4},  {"nz", 5},  {"be", 6},  {"nbe", 7},
    {"s", 8}, {"ns", 9}, {"p", 10}, {"np", 11}, {"l", 12}, {"nl", 13}, {"le", 14}, {"nle", 15},
};

struct KnownDifference {
  Opcode opcode;  // Invalid: any
  std::string difference;
};

const KnownDifference known_differences[] = {
    // Zydis 4.0 takes R13 for the base of [index + disp32] with address size 32 and REX.B; SDM volume 2, table 2-5
    // says that REX.B is not decoded there.
    {Opcode::Invalid, "base 255 not 13"},
    // SDM: MOVSXD r16, r/m16.
    {Opcode::Movsxd, "memory size 2 not 4"},
    // Only the low word of the selector's register is used; Zydis shows all of it.
    {Opcode::Lar, "operand 1 register size"},
    {Opcode::Lsl, "operand 1 register size"},
    // A cache line; ours is the byte that is checked.
    {Opcode::Clflush, "memory size 1 not 64"},
    // F3 41 90 exchanges: processors look at REX.B before F3.
    {Opcode::Xchg, "name Xchg (pause"},
    // Port operations have no 64-bit form.
    {Opcode::Ins, "operand size 4 not 8"},
    {Opcode::Outs, "operand size 4 not 8"},
    // Byte operations to us; Zydis gives the size of other instructions.
    {Opcode::Aaa, "operand size 1"},
    {Opcode::Aas, "operand size 1"},
    {Opcode::Aam, "operand size 1"},
    {Opcode::Aad, "operand size 1"},
    {Opcode::Daa, "operand size 1"},
    {Opcode::Das, "operand size 1"},
    {Opcode::Salc, "operand size 1"},
    {Opcode::Xlat, "operand size 1"},
    // The operand size means nothing here.
    {Opcode::Nop, "operand size"},
    {Opcode::Syscall, "operand size"},
    {Opcode::Invlpg, "operand size"},
    {Opcode::Cmpxchg8b, "operand size"},
};

bool has_register_of(const Disassembly& zydis, ZydisRegisterClass wanted) {
  for (size_t i = 0; i < zydis.instruction.operand_count_visible; ++i)
    if (zydis.operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        ZydisRegisterGetClass(zydis.operands[i].reg.value) == wanted)
      return true;
  return false;
}

/// Mnemonics that stand for several opcodes of ours.
std::string split_name(const Disassembly& zydis, const std::string& name) {
  const bool far = zydis.instruction.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  const bool relative = zydis.operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  if (name == "call" || name == "jmp") return name + (far ? "far" : relative ? "" : "indirect");
  if (name == "ret" && far) return "retfar";
  if (name == "imul") return name + std::to_string(zydis.instruction.operand_count_visible);
  if (name == "mov" && has_register_of(zydis, ZYDIS_REGCLASS_CONTROL)) return "movcr";
  if (name == "mov" && has_register_of(zydis, ZYDIS_REGCLASS_DEBUG)) return "movdr";
  if ((name == "mov" || name == "push" || name == "pop") && has_register_of(zydis, ZYDIS_REGCLASS_SEGMENT))
    return name + "seg";
  const bool stores_vector = zydis.instruction.opcode == 0x7e && zydis.operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER;
  if (name == "movq" &&
      (stores_vector || zydis.instruction.opcode == 0x6e || has_register_of(zydis, ZYDIS_REGCLASS_GPR64)))
    return "movd";
  const bool string = zydis.instruction.meta.isa_ext == ZYDIS_ISA_EXT_BASE;
  if (string && name == "movsd") return "movs";
  if (string && name == "cmpsd") return "cmps";
  return name;
}

}  // namespace

bool in_feature_set(const Disassembly& zydis) {
  if (zydis.instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
  return extensions.contains(ZydisISAExtGetString(zydis.instruction.meta.isa_ext)) ||
         decoded_anyway.contains(ZydisMnemonicGetString(zydis.instruction.mnemonic));
}

bool is_known_difference(Opcode opcode, const std::string& difference) {
  for (const KnownDifference& known : known_differences)
    if ((known.opcode == Opcode::Invalid || known.opcode == opcode) &&
        difference.find(known.difference) != std::string::npos)
      return true;
  return false;
}

std::string our_name(const Disassembly& zydis, int& condition) {
  const std::string name = ZydisMnemonicGetString(zydis.instruction.mnemonic);
  for (const std::string prefix : {"cmov", "set", "j"})
    if (name.starts_with(prefix))
      if (const auto found = conditions.find(name.substr(prefix.size())); found != conditions.end()) {
        condition = found->second;
        return prefix + "cc";
      }
  const auto alias = aliases.find(name);
  return alias == aliases.end() ? split_name(zydis, name) : alias->second;
}

}  // namespace tsbhyve::soft::test
