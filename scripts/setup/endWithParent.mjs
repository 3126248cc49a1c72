// Preloaded (--import) into a child that has no stop logic for a closed IPC channel: turns that into the SIGTERM which
// it either handles or dies of.

if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Listening must not keep the process alive.
  process.channel.unref();
}
