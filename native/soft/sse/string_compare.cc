// SPDX-License-Identifier: BSD-2-Clause
// The SSE4.2 string comparisons (SDM vol. 2, 4.1).
#include "soft/sse/string_compare.h"

#include "soft/flags.h"
#include "soft/sse/shells.h"

namespace tsbhyve::soft::sse {

namespace {

/// Bits of the immediate.
constexpr u8 control_words = 1, control_signed = 2, control_negate = 0x10, control_negate_valid_only = 0x20;
constexpr u8 control_most_significant = 0x40;  // index forms: last match instead of first; mask forms: whole elements

enum class Aggregation : u8 { EqualAny, Ranges, EqualEach, EqualOrdered };

Aggregation aggregation(u8 control) { return static_cast<Aggregation>(control >> 2 & 3); }
u32 element_count(u8 control) { return control & control_words ? 8 : 16; }

i32 element_at(V128 value, u32 index, u8 control) {
  const auto bytes = lanes<u8>(value);
  const auto words = lanes<u16>(value);
  if (control & control_words) return control & control_signed ? static_cast<i16>(words[index]) : i32{words[index]};
  return control & control_signed ? static_cast<i8>(bytes[index]) : i32{bytes[index]};
}

struct Strings {
  V128 first, second;
  u32 first_length, second_length;
  u8 control;

  i32 pattern(u32 i) const { return element_at(first, i, control); }
  i32 text(u32 j) const { return element_at(second, j, control); }
};

bool in_set(const Strings& strings, u32 j) {
  if (j >= strings.second_length) return false;
  for (u32 i = 0; i < strings.first_length; i++) {
    if (strings.pattern(i) == strings.text(j)) return true;
  }
  return false;
}

bool in_ranges(const Strings& strings, u32 j) {
  if (j >= strings.second_length) return false;
  for (u32 i = 0; i + 1 < strings.first_length; i += 2) {
    if (strings.text(j) >= strings.pattern(i) && strings.text(j) <= strings.pattern(i + 1)) return true;
  }
  return false;
}

/// Beyond the end of both, elements count as equal.
bool equal_each(const Strings& strings, u32 j) {
  const bool first_valid = j < strings.first_length, second_valid = j < strings.second_length;
  if (!first_valid || !second_valid) return first_valid == second_valid;
  return strings.pattern(j) == strings.text(j);
}

/// Whether the pattern begins at j, as far as the register shows.
bool begins_at(const Strings& strings, u32 j) {
  const u32 count = element_count(strings.control);
  for (u32 i = 0; i < strings.first_length && j + i < count; i++) {
    if (j + i >= strings.second_length || strings.pattern(i) != strings.text(j + i)) return false;
  }
  return true;
}

bool matches(const Strings& strings, u32 j) {
  switch (aggregation(strings.control)) {
    case Aggregation::EqualAny: return in_set(strings, j);
    case Aggregation::Ranges: return in_ranges(strings, j);
    case Aggregation::EqualEach: return equal_each(strings, j);
    default: return begins_at(strings, j);
  }
}

/// EAX or EDX, or RAX or RDX with REX.W: the magnitude, cut to the number of elements.
u32 explicit_length(const Cpu* cpu, const Op* op, Gpr gpr, u8 control) {
  const u64 value = cpu->gpr[gpr];
  const i64 length = op->bits & op_rex_w ? static_cast<i64>(value) : i64{static_cast<i32>(value)};
  const u64 magnitude = length < 0 ? u64{0} - static_cast<u64>(length) : static_cast<u64>(length);
  const u32 count = element_count(control);
  return magnitude < count ? static_cast<u32>(magnitude) : count;
}

void write_index(Cpu* cpu, u32 result, u8 control) {
  u32 index = element_count(control);
  if (result)
    index = static_cast<u32>(control & control_most_significant ? 31 - __builtin_clz(result) : __builtin_ctz(result));
  write_gpr<u32>(cpu, RCX * 8, index);
}

/// One bit, or one whole element, for each element of the result.
void write_mask(Cpu* cpu, u32 result, u8 control) {
  if (!(control & control_most_significant)) return write_xmm(cpu, 0, low_only(result));
  Lanes<u8, V128> bytes{};
  const u32 width = control & control_words ? 2 : 1;
  for (u32 i = 0; i < 16; i++) bytes[i] = result >> (i / width) & 1 ? u8{0xff} : u8{0};
  write_xmm(cpu, 0, whole<V128>(bytes));
}

enum class Length : u8 { Explicit, Implicit };
enum class Output : u8 { Index, Mask };

template <Length L, Output O>
struct CompareStrings {
  [[gnu::noinline]] static void apply(Cpu* cpu, const Op* op, V128 second) {
    const u8 control = static_cast<u8>(op->immediate);
    const V128 first = read_xmm(cpu, op->destination);
    const bool implicit = L == Length::Implicit;
    const u32 first_length = implicit ? implicit_length(first, control) : explicit_length(cpu, op, RAX, control);
    const u32 second_length = implicit ? implicit_length(second, control) : explicit_length(cpu, op, RDX, control);
    const StringComparison comparison = compare_strings(first, second, first_length, second_length, control);
    if (O == Output::Index) {
      write_index(cpu, comparison.result, control);
    } else {
      write_mask(cpu, comparison.result, control);
    }
    write_status_flags(cpu, comparison.flags);
  }
};

}  // namespace

u32 implicit_length(V128 value, u8 control) {
  const u32 count = element_count(control);
  for (u32 i = 0; i < count; i++) {
    if (element_at(value, i, control) == 0) return i;
  }
  return count;
}

StringComparison compare_strings(V128 first, V128 second, u32 first_length, u32 second_length, u8 control) {
  const Strings strings{first, second, first_length, second_length, control};
  const u32 count = element_count(control);
  u32 result = 0;
  for (u32 j = 0; j < count; j++) result |= (matches(strings, j) ? 1u : 0u) << j;
  if (control & control_negate) result ^= (1u << (control & control_negate_valid_only ? second_length : count)) - 1;
  const u32 flags = (result ? flag_cf : 0) | (second_length < count ? flag_zf : 0) |
                    (first_length < count ? flag_sf : 0) | (result & 1 ? flag_of : 0);
  return {result, flags};
}

void add_string_compares(HandlerTable& table) {
  table.set(Opcode::Pcmpestri, reading<Unit::Sse, XmmUnaligned, CompareStrings<Length::Explicit, Output::Index>>);
  table.set(Opcode::Pcmpestrm, reading<Unit::Sse, XmmUnaligned, CompareStrings<Length::Explicit, Output::Mask>>);
  table.set(Opcode::Pcmpistri, reading<Unit::Sse, XmmUnaligned, CompareStrings<Length::Implicit, Output::Index>>);
  table.set(Opcode::Pcmpistrm, reading<Unit::Sse, XmmUnaligned, CompareStrings<Length::Implicit, Output::Mask>>);
}

}  // namespace tsbhyve::soft::sse
