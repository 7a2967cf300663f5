// Makes the calls that come as JSON lines with @alicloud/pop-core, and says what came of each.
'use strict';

const readline = require('node:readline');
const Core = require('@alicloud/pop-core');

async function told({config, action, parameters, method}) {
  try {
    return {answer: await new Core(config).request(action, parameters, {method})};
  } catch (error) {
    const status = error.entry?.response.statusCode ?? 0;
    return {status, code: error.code, message: error.data?.Message ?? error.message};
  }
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    console.log(JSON.stringify(await told(JSON.parse(line))));
  }
})();
