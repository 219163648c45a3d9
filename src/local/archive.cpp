// libarchive reads; the writing is done here, because its own writer sets the umask of the whole
// process to zero again and again, under the feet of the host program's other threads.
#include "local/archive.hpp"

#include "local/tree.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace mesos::local {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

Error archiveError(archive* reader, const std::string& what) {
  const char* const reason = archive_error_string(reader);
  return Error{what + ": " + (reason ? reason : "the archive is broken")};
}

// Only these: libarchive runs external programs for some of the others.
void supportFilters(archive* reader) {
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
}

std::string nameOf(archive_entry* entry) {
  // The UTF-8 name first: the other is missing where the locale cannot express it.
  if (const char* const name = archive_entry_pathname_utf8(entry)) return name;
  const char* const name = archive_entry_pathname(entry);
  return name ? name : "";
}

std::string hardlinkOf(archive_entry* entry) {
  if (const char* const name = archive_entry_hardlink_utf8(entry)) return name;
  const char* const name = archive_entry_hardlink(entry);
  return name ? name : "";
}

std::string symlinkOf(archive_entry* entry) {
  if (const char* const name = archive_entry_symlink_utf8(entry)) return name;
  const char* const name = archive_entry_symlink(entry);
  return name ? name : "";
}

class Extraction {
 public:
  Extraction(archive* reader, int directory, const ExtractionLimits& limits,
             const std::function<bool()>& cancelled)
      : reader_(reader), directory_(directory), limits_(limits), cancelled_(cancelled) {}

  Result<void> run();
  /// What the reader's current entry holds, into `file`.
  Result<void> copyContents(int file);

 private:
  Result<void> extract(archive_entry* entry);
  Result<void> extractFile(archive_entry* entry, int parent, const char* name);
  Result<void> link(archive_entry* entry, int parent, const char* name);

  archive* reader_;
  int directory_;
  ExtractionLimits limits_;
  const std::function<bool()>& cancelled_;
  std::uint64_t bytes_ = 0;
};

Result<void> Extraction::run() {
  for (std::uint64_t entries = 0;; ++entries) {
    if (entries == limits_.entriesMax) return Error{"The archive has too many entries"};
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader_, &entry);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return archiveError(reader_, "Failed to read the archive");
    auto extracted = extract(entry);
    if (!extracted) return extracted;
  }
}

Result<void> Extraction::extract(archive_entry* entry) {
  const std::string name = nameOf(entry);
  const bool isDirectory = archive_entry_filetype(entry) == AE_IFDIR;
  // Archives made of "." begin with an entry for the top itself.
  if (isDirectory && (name == "." || name == "./")) return {};
  auto components = splitRelative(name);
  if (!components) return Error{"Refused an entry: " + components.error().message};
  if (isDirectory) {
    auto made = openDirectoryBelow(directory_, *components);
    if (!made) return made.error();
    const mode_t mode = (archive_entry_perm(entry) & 0755) | 0700;
    if (::fchmod(made->get(), mode) == 0) return {};
    return systemError("Failed to set the mode of '" + name + "'", errno);
  }
  auto parent = openParent(directory_, *components);
  if (!parent) return parent.error();
  const char* const last = components->back().c_str();
  // What is there is replaced, never written through.
  if (::unlinkat(parent->get(), last, 0) != 0 && errno != ENOENT) {
    return systemError("Failed to replace '" + name + "'", errno);
  }
  if (!hardlinkOf(entry).empty()) return link(entry, parent->get(), last);
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return extractFile(entry, parent->get(), last);
    case AE_IFLNK:
      if (::symlinkat(symlinkOf(entry).c_str(), parent->get(), last) == 0) return {};
      return systemError("Failed to create the link '" + name + "'", errno);
    default:
      return Error{"Refused '" + name + "': neither file, directory nor link"};
  }
}

Result<void> Extraction::extractFile(archive_entry* entry, int parent, const char* name) {
  const Descriptor file(
      ::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return systemError("Failed to create '" + nameOf(entry) + "'", errno);
  auto copied = copyContents(file.get());
  if (!copied) return Error{"'" + nameOf(entry) + "': " + copied.error().message};
  // The umask is not asked for: the result is to be the same everywhere.
  if (::fchmod(file.get(), archive_entry_perm(entry) & 0755) != 0) {
    return systemError("Failed to set the mode of '" + nameOf(entry) + "'", errno);
  }
  if (archive_entry_mtime_is_set(entry)) {
    const timespec time{archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
    const timespec times[2] = {time, time};
    ::futimens(file.get(), times);
  }
  return {};
}

Result<void> Extraction::link(archive_entry* entry, int parent, const char* name) {
  auto target = splitRelative(hardlinkOf(entry));
  if (!target) return Error{"Refused a link: " + target.error().message};
  auto targetParent = openParent(directory_, *target);
  if (!targetParent) return targetParent.error();
  if (::linkat(targetParent->get(), target->back().c_str(), parent, name, 0) == 0) return {};
  return systemError("Failed to link '" + nameOf(entry) + "' to '" + hardlinkOf(entry) + "'",
                     errno);
}

Result<void> Extraction::copyContents(int file) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  la_int64_t end = 0;
  for (;;) {
    const int status = archive_read_data_block(reader_, &block, &size, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status < ARCHIVE_WARN) return archiveError(reader_, "Failed to unpack");
    if (cancelled_()) return Error{"Cancelled"};
    // Holes count: a sparse file is an easy bomb.
    bytes_ += size + static_cast<std::uint64_t>(std::max<la_int64_t>(0, offset - end));
    if (bytes_ > limits_.bytesMax) return Error{"The archive unpacks to too much"};
    if (::lseek(file, offset, SEEK_SET) < 0) return systemError("Failed to seek", errno);
    auto written = writeAll(file, {static_cast<const char*>(block), size});
    if (!written) return written;
    end = offset + static_cast<la_int64_t>(size);
  }
  // A hole at the end leaves nothing to write.
  if (::ftruncate(file, end) != 0) return systemError("Failed to set the size", errno);
  return {};
}

bool endsIn(std::string_view name, std::string_view suffix) {
  return name.size() >= suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
}

}  // namespace

ArchiveKind archiveKindOf(std::string_view name) {
  for (const std::string_view suffix :
       {".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip"}) {
    if (endsIn(name, suffix)) return ArchiveKind::Archive;
  }
  return endsIn(name, ".gz") ? ArchiveKind::Gzip : ArchiveKind::None;
}

Result<void> extractArchive(int source, int directory, const ExtractionLimits& limits,
                            const std::function<bool()>& cancelled) {
  const Reader reader(archive_read_new());
  supportFilters(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_fd(reader.get(), source, kReadBytes) != ARCHIVE_OK) {
    return archiveError(reader.get(), "Failed to open the archive");
  }
  return Extraction(reader.get(), directory, limits, cancelled).run();
}

Result<void> gunzip(int source, int directory, const std::string& name,
                    const ExtractionLimits& limits, const std::function<bool()>& cancelled) {
  const Reader reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_read_support_format_empty(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_fd(reader.get(), source, kReadBytes) != ARCHIVE_OK) {
    return archiveError(reader.get(), "Failed to open the file");
  }
  const int status = archive_read_next_header(reader.get(), &entry);
  if (status < ARCHIVE_WARN && status != ARCHIVE_EOF) {
    return archiveError(reader.get(), "Failed to read the file");
  }
  if (archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_GZIP) {
    return Error{"Not in gzip format"};
  }
  auto components = splitRelative(name);
  if (!components) return components.error();
  auto file = createBelow(directory, *components, 0644);
  if (!file) return file.error();
  if (status == ARCHIVE_EOF) return {};
  return Extraction(reader.get(), directory, limits, cancelled).copyContents(file->get());
}

}  // namespace mesos::local
