const { default: Sequencer } = require('@jest/test-sequencer');

const BY_LENGTH = ['e2e', 'rules', 'integration', 'ioredis 5', 'unit'];

/**
 * Starts long suites first, so that short ones fill all workers at the end. Jest knows the durations only
 * from an earlier run: a fresh clone would start with the largest files.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => BY_LENGTH.indexOf(context.config.displayName.name);
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
