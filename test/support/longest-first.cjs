const { default: Sequencer } = require('@jest/test-sequencer');

const BY_LENGTH = ['e2e', 'rules', 'integration', 'ioredis 5', 'unit'];

/**
 * Long suites begin first, so that at the end short ones fill all workers. Jest knows how long each
 * took only from the run before: a fresh clone would begin with the largest files.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => BY_LENGTH.indexOf(context.config.displayName.name);
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
