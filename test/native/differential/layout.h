// SPDX-License-Identifier: BSD-2-Clause
// The address space and the segments that both CPUs see.
//
// Low addresses, so that 32-bit code reaches them and 64-bit code reaches them by disp32. Whatever else the process has
// mapped lies far above 4 GiB, where no generated address points.
#pragma once

#include "soft/decode/instruction.h"
#include "soft/types.h"

namespace tsbhyve::differential {

using namespace tsbhyve::soft;

/// Operands: pages 0 and 1 writable, 2 absent, 3 read-only, 4 absent.
inline constexpr u64 window_base = 0x1000'0000, window_pages = 4;
inline constexpr u64 writable_end = window_base + 2 * page_size, read_only_page = window_base + 3 * page_size;

/// Code: page 0 executable, the next absent. The instruction under test starts at code_start or, to run into the absent
/// page, just below code_end.
inline constexpr u64 code_base = 0x2000'0000, code_start = code_base + 0x800, code_end = code_base + page_size;

/// Where the host's code under test goes when it is done; far from sums of the addresses above, but in reach of 32-bit
/// code.
inline constexpr u64 way_back = 0x7a3c'7000;

/// Parts of the window that are set anew for each case and compared after it: a middle, a page crossing, an end.
struct Zone {
  u64 start, size;
};
inline constexpr Zone zones[] = {
    {window_base + 0x600, 0x400}, {window_base + 0xf80, 0x100}, {window_base + 0x1f00, 0x100}};
inline constexpr size_t zone_bytes = 0x600;

/// Selectors: Linux's user segments, then entries of an LDT of our own.
inline constexpr u16 flat_code32 = 0x23, flat_data = 0x2b, flat_code64 = 0x33;
struct LdtEntry {
  u64 base;
  u32 limit;
  bool big;
  u8 contents;              // as modify_ldt(2) has it: 0 data, 1 expand-down data, 2 code, 3 conforming code
  bool read_only, present;  // code: execute-only
};
constexpr u16 ldt_selector(u16 index) { return static_cast<u16>(index << 3 | 7); }
inline constexpr u16 code16 = ldt_selector(0), code32_based = ldt_selector(1), data16 = ldt_selector(2);
inline constexpr u16 data32_small = ldt_selector(3), data_down = ldt_selector(4), data_read_only = ldt_selector(5);
inline constexpr u16 code_unreadable = ldt_selector(6), data_absent = ldt_selector(7),
                     code_conforming = ldt_selector(8);
inline constexpr LdtEntry ldt_entries[] = {
    {code_base, 0xffff, false, 2, false, true},   {code_base, 0xffff, true, 2, false, true},
    {window_base, 0xffff, false, 0, false, true}, {window_base, 0xfff, true, 0, false, true},
    {window_base, 0x7ff, true, 1, false, true},   {window_base, 0xffff, false, 0, true, true},
    {code_base, 0xffff, true, 2, true, true},     {window_base, 0xffff, true, 0, false, false},
    {code_base, 0xffff, true, 3, false, false},  // Linux has no conforming segment present
};

/// How a case runs: width of code and where its segments lie.
enum class Setting : u8 { Code64, Flat32, Segmented32, Code16, Count };
struct SettingInfo {
  const char* name;
  CodeSize code_size;
  u16 cs, ss, ds, es, fs, gs;
  u64 code_offset;  // linear address - offset, of code and of data
  u64 data_offset;
};
inline constexpr SettingInfo settings[] = {
    {"64", CodeSize::Bits64, flat_code64, flat_data, 0, 0, 0, 0, 0, 0},
    {"32", CodeSize::Bits32, flat_code32, flat_data, flat_data, flat_data, 0, data16, 0, 0},
    {"32seg", CodeSize::Bits32, code32_based, data32_small, data16, data16, data_down, data_read_only, code_base,
     window_base},
    {"16", CodeSize::Bits16, code16, data16, data16, data16, data32_small, data_down, code_base, window_base},
};
constexpr const SettingInfo& info_of(Setting setting) { return settings[static_cast<size_t>(setting)]; }

}  // namespace tsbhyve::differential
