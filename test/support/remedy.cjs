/** What to do where no real Redis server was found. */
module.exports.REMEDY = [
  'Get one, then run the tests again:',
  '  sudo apt-get install -y redis-server     Debian, Ubuntu',
  '  brew install valkey                      macOS',
  '  REDIS_SERVER_BIN=/path/to/redis-server   any other place',
].join('\n');

/** Part of the name of every suite that needs one, so that the reporter can tell why it was skipped. */
module.exports.MARK = '[real Redis]';
