/* Syncs that do nothing, to see what they cost: loaded in front of one process of a benchmark. */
int fsync(int file) {
  (void)file;
  return 0;
}
int fdatasync(int file) {
  (void)file;
  return 0;
}
