// SPDX-License-Identifier: BSD-2-Clause
#include "soft/threads/code_pages.h"

#include <algorithm>

#include "engine/guest_ram.h"
#include "soft/attend.h"

namespace tsbhyve::soft {

namespace {

/// Longer lists are not worth their while: everything goes.
constexpr size_t most_pages = 32;

void add_page(std::vector<u64>& pages, u64 page, bool& all) {
  if (all || std::find(pages.begin(), pages.end(), page) != pages.end()) return;
  if (pages.size() < most_pages) {
    pages.push_back(page);
  } else {
    all = true;
    pages.clear();
  }
}

}  // namespace

CodePages::CodePages(GuestRam* ram, unsigned count) : ram_(ram) {
  for (unsigned index = 0; index < count; index++) desks_.push_back(std::make_unique<Desk>());
}

template <class Note>
void CodePages::post(Desk& desk, Note note) {
  {
    const std::lock_guard guard(desk.lock);
    note(desk.mail);
    desk.waiting = true;
  }
  if (desk.cpu) ask_to_attend(desk.cpu);
}

u64 CodePages::claim(unsigned self, u64 page, u64 physical) {
  const std::lock_guard guard(lock_);
  const bool is_first = ram_->code_holders(page) == 0;
  ram_->hold_code(page, self);
  if (!is_first) return epoch_;  // it may still be on its way to the others
  epoch_++;
  for (unsigned index = 0; index < desks_.size(); index++) {
    post(*desks_[index], [&](CodeMail& mail) {
      if (index != self) add_page(mail.unlog, physical, mail.all_stores);
      mail.epoch = epoch_;
    });
  }
  return epoch_;
}

void CodePages::release(unsigned self, u64 page) {
  const std::lock_guard guard(lock_);
  ram_->release_code(page, self);
}

bool CodePages::served(unsigned self, u64 epoch) const {
  for (unsigned index = 0; index < desks_.size(); index++) {
    if (index != self && desks_[index]->running && desks_[index]->served < epoch) return false;
  }
  return true;
}

void CodePages::written(int writer, u64 page, u64 physical) {
  const std::lock_guard guard(lock_);
  const u32 holders = ram_->code_holders(page);
  for (unsigned index = 0; index < desks_.size(); index++) {
    if (static_cast<int>(index) == writer || !(holders >> index & 1)) continue;
    post(*desks_[index], [&](CodeMail& mail) { add_page(mail.written, physical, mail.all_blocks); });
    // One that runs may store to its own code, and must see that, until it has attended to this.
    if (!desks_[index]->running) ram_->release_code(page, index);
  }
}

void CodePages::drop_stores() {
  for (auto& desk : desks_) post(*desk, [](CodeMail& mail) { mail.all_stores = true; });
}

CodeMail CodePages::take(unsigned self) {
  Desk& desk = *desks_[self];
  const std::lock_guard guard(desk.lock);
  desk.waiting = false;
  CodeMail mail = std::move(desk.mail);
  desk.mail = {};
  desk.mail.epoch = mail.epoch;
  return mail;
}

}  // namespace tsbhyve::soft
