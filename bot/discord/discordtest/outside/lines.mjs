// Lines of JSON between these programs and the test that runs them.
import { createInterface } from 'node:readline'

export const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

// obey answers each line of standard input with what its command returns.
export function obey(commands) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const c = JSON.parse(line)
    try {
      say({ saw: 'answer', result: await commands[c.do](c) })
    } catch (e) {
      say({ saw: 'answer', error: String(e), code: e.code, status: e.status })
    }
  })
  lines.on('close', () => process.exit(0))
}
