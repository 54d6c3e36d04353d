// A world's clock: it may run faster than the real one and may be set forward, so that no test waits for a window to pass.
export class Clock {
  constructor(speed = 1) {
    this.speed = speed;
    this.started = Date.now();
    this.skipped = 0;
    this.planned = [];
  }

  now() {
    return this.started + (Date.now() - this.started) * this.speed + this.skipped;
  }

  date() {
    return new Date(this.now());
  }

  seconds() {
    return Math.floor(this.now() / 1000);
  }

  /** Does something in so many seconds of this clock. */
  after(seconds, act) {
    this.planned.push({ time: this.now() + seconds * 1000, act });
    this.arm();
  }

  /** Sets the clock forward; what was planned until then is done first. */
  async advance(seconds) {
    this.skipped += seconds * 1000;
    await this.due();
  }

  async due() {
    for (;;) {
      this.planned.sort((a, b) => a.time - b.time);
      if (!this.planned.length || this.planned[0].time > this.now()) break;
      await this.planned.shift().act();
    }
    this.arm();
  }

  arm() {
    clearTimeout(this.timer);
    if (this.stopped || !this.planned.length) return;
    const next = Math.min(...this.planned.map(({ time }) => time));
    const delay = Math.min(Math.max(0, (next - this.now()) / this.speed), 2 ** 31 - 1);
    this.timer = setTimeout(() => this.due().catch((error) => process.stderr.write(`${error.stack}\n`)), delay);
    this.timer.unref();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}

/** A time as GitHub writes it: whole seconds. */
export const iso = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
