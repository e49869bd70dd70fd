// SPDX-License-Identifier: BSD-2-Clause
#include "soft/lockstep/cpu_copy.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "engine/lapic_state.h"
#include "soft/soft_vcpu.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

constexpr size_t field_bytes = offsetof(Cpu, code_page_serial);

class Lines {
 public:
  void compare(const std::string& name, u64 here, u64 there) {
    if (here == there) return;
    char line[128];
    std::snprintf(line, sizeof line, "\n  %s: %#llx, %#llx", name.c_str(), static_cast<unsigned long long>(here),
                  static_cast<unsigned long long>(there));
    text += line;
  }
  std::string text;
};

void compare_lapics(Lines& lines, const std::vector<u64>& here, const std::vector<u64>& there) {
  size_t at = 0;
  for (const LapicRowInfo& row : lapic_rows) {
    for (size_t i = 0; i < row.count; i++, at++) lines.compare(std::string("lapic ") + row.name, here[at], there[at]);
  }
}

void compare_tlbs(Lines& lines, const char* name, const Tlb& here, const Tlb& there) {
  for (size_t i = 0; i < tlb_entries; i++) {
    if (here[i] == there[i]) continue;
    const std::string entry = std::string(name) + " TLB " + std::to_string(i);
    lines.compare(entry + " page", here[i].linear_page, there[i].linear_page);
    lines.compare(entry + " memory", here[i].physical_page, there[i].physical_page);
    lines.compare(entry + " PCID", here[i].pcid, there[i].pcid);
    lines.compare(entry + " flags", here[i].flags, there[i].flags);
    lines.compare(entry + " size", here[i].page_shift, there[i].page_shift);
  }
}

}  // namespace

CpuCopy::CpuCopy(SoftVcpu& vcpu)
    : fields_(field_bytes),
      msrs_(vcpu.get_msrs()),
      xsave_(vcpu.get_xsave()),
      lapic_(vcpu.get_lapic()),
      data_tlb_(std::make_unique<Tlb>(vcpu.mmu().data)),
      code_tlb_(std::make_unique<Tlb>(vcpu.mmu().code)),
      access_(vcpu.cpu()->access),
      tsc_offset_(vcpu.cpu()->platform->tsc_offset),
      retired_(vcpu.retired()) {
  __builtin_memcpy(fields_.data(), vcpu.cpu(), field_bytes);
  vcpu.get_registers(RegisterGroup::All, values_);
}

void CpuCopy::put_back(SoftVcpu& vcpu) const {
  Cpu* const cpu = vcpu.cpu();
  __builtin_memcpy(static_cast<void*>(cpu), fields_.data(), field_bytes);
  // Blocks may have died meanwhile, and others are yet to be freed.
  cpu->block = nullptr;
  cpu->link = nullptr;
  cpu->attention_wanted = true;
  vcpu.mmu().drop_fast();  // while the TLBs still tell where there is something to drop
  vcpu.mmu().data = *data_tlb_;
  vcpu.mmu().code = *code_tlb_;
  cpu->platform->tsc_offset = tsc_offset_;
  vcpu.set_lapic(lapic_);
  update_mode(cpu);
}

std::string CpuCopy::differences(const CpuCopy& there) const {
  Lines lines;
  for (size_t i = 0; i < register_count; i++) lines.compare(register_rows[i].name, values_[i], there.values_[i]);
  for (size_t i = 0; i < std::min(msrs_.size(), there.msrs_.size()); i++) {
    char name[24];
    std::snprintf(name, sizeof name, "msr %#x", msrs_[i].first);
    lines.compare(name, msrs_[i].second, there.msrs_[i].second);
  }
  for (size_t i = 0; i < xsave_.size(); i++) {
    lines.compare("xsave byte " + std::to_string(i), xsave_[i], there.xsave_[i]);
  }
  compare_lapics(lines, lapic_, there.lapic_);
  compare_tlbs(lines, "data", *data_tlb_, *there.data_tlb_);
  compare_tlbs(lines, "code", *code_tlb_, *there.code_tlb_);
  lines.compare("access address", access_.address, there.access_.address);
  lines.compare("access value", access_.value, there.access_.value);
  lines.compare("access width", access_.width, there.access_.width);
  lines.compare("instructions", retired_, there.retired_);
  return lines.text;
}

std::string CpuCopy::registers() const {
  std::string text;
  for (size_t i = 0; i <= static_cast<size_t>(Register::rflags); i++) {
    char word[48];
    std::snprintf(word, sizeof word, "%s%s %016llx", i % 4 ? "  " : "\n  ", register_rows[i].name,
                  static_cast<unsigned long long>(values_[i]));
    text += word;
  }
  return text;
}

}  // namespace tsbhyve::soft
