// SPDX-License-Identifier: BSD-2-Clause
// Both ways to find a folder give the same answers, and neither leads out.
#include "hostfs/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "../check.h"
#include "hostfs/folder.h"
#include "hostfs/listing.h"

namespace {

using namespace tsbhyve::hostfs;

ino_t inode_of(int fd) {
  struct stat found {};
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

int error_of(int root, const std::string& path, Resolver resolver) {
  const Fd folder = open_folder(root, path, resolver);
  return folder ? 0 : errno;
}

void paths() {
  for (const char* good : {"", "a", "a/b", "...", "a b/c", "..a/b.."}) CHECK(is_path(good));
  for (const char* bad : {"/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b"}) CHECK(!is_path(bad));
  CHECK(!is_path(std::string("a\0b", 3)));
  CHECK(is_path(std::string(4095, 'a')));
  CHECK(!is_path(std::string(4096, 'a')) && errno == ENAMETOOLONG);
}

void folders(int root) {
  for (const Resolver resolver : {best_resolver(), Resolver::Walk}) {
    const Fd deep = open_folder(root, "sub/deep", resolver), here = open_folder(root, "", resolver);
    CHECK(deep && here && inode_of(here.get()) == inode_of(root) && inode_of(deep.get()) != inode_of(root));
    CHECK(error_of(root, "none", resolver) == ENOENT);
    CHECK(error_of(root, "file", resolver) == ENOTDIR);
    CHECK(error_of(root, "file/x", resolver) == ENOTDIR);
    CHECK(error_of(root, "link", resolver) == ENOTDIR);
    CHECK(error_of(root, "link/deep", resolver) == ENOTDIR);
    CHECK(error_of(root, "away", resolver) == ENOTDIR);
    CHECK(error_of(root, "away/tmp", resolver) == ENOTDIR);
    CHECK(error_of(root, "sub/../sub", resolver) == EINVAL);
    CHECK(error_of(root, std::string(256, 'a'), resolver) == ENAMETOOLONG);
    const Place place(root, "sub/new", resolver), none(root, "", resolver);
    CHECK(place && std::string(place.name()) == "new");
    CHECK(!none && errno == EBUSY);
  }
}

void listing(int root) {
  std::vector<std::uint8_t> entries;
  CHECK(list_folder(root, root, true, entries) == 0);
  CHECK(!entries.empty() && entries[13] == 1 && entries[24] == '.');
  CHECK(list_folder(root, -1, true, entries) == -EBADF);
  CHECK(entry_offset(".") == 1 && entry_offset("..") == 2 && entry_offset("a") >= 4 && entry_offset("a") >> 63 == 0);
  CHECK(entry_offset("a") != entry_offset("b"));
}

void set_ids(int root) {
  CHECK(set_mode(root, "file", 04755) == -EPERM);
  CHECK(set_mode(root, "file", 0640) == 0);
  CHECK(read_file(-1, ~std::uint64_t{0}, {}) == 0);
  CHECK(write_file(-1, ~std::uint64_t{0}, {}) == -EFBIG);
  CHECK(set_file_size(-1, ~std::uint64_t{0}) == -EFBIG);
}

}  // namespace

int main() {
  char name[] = "/tmp/tsbhyve-hostfs-XXXXXX";
  const char* folder = mkdtemp(name);
  if (folder == nullptr) return 1;
  const Fd root(open_root(folder));
  if (!root) return 1;
  CHECK(make_folder(root.get(), "sub", 0700) == 0 && make_folder(root.get(), "sub/deep", 0700) == 0);
  const Fd file(create_file(root.get(), "file", WRITE_ONLY, 0600));
  CHECK(file && create_file(root.get(), "file", WRITE_ONLY, 0600) == -EEXIST);
  CHECK(make_symlink(root.get(), "link", "sub") == 0 && make_symlink(root.get(), "away", "/") == 0);
  CHECK(open_root("/dev/null") == -ENOTDIR);
  paths();
  folders(root.get());
  listing(root.get());
  set_ids(root.get());
  for (const char* made : {"file", "link", "away"}) CHECK(remove_path(root.get(), made, false) == 0);
  for (const char* made : {"sub/deep", "sub"}) CHECK(remove_path(root.get(), made, true) == 0);
  CHECK(rmdir(folder) == 0);
  return test::report();
}
