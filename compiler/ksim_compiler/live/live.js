// Asks the server of this page for what is new, and puts it where it belongs.
(() => {
  const OFTEN = 2000, SELDOM = 15000;
  const get = id => document.getElementById(id);
  const who = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let version = 0, timer = 0, busy = false, over = false, failed = 0;

  const status = (kind, word, text, share) => {
    get('status').dataset.kind = kind;
    get('word').textContent = word;
    get('text').textContent = text;
    if (share === undefined) return;
    get('bar').hidden = share === null;
    get('share').style.width = 100 * (share || 0) + '%';
  };
  const read = place => {
    const tip = place.querySelector('.tip:not([hidden])');
    return tip !== null || place.contains(document.activeElement);
  };
  const put = (place, text) => {
    const before = Array.from(place.querySelectorAll('.scroll'), box => box.scrollLeft);
    const checked = Array.from(place.querySelectorAll('input'), box => box.checked);
    place.innerHTML = text;
    place.querySelectorAll('.scroll').forEach((box, i) => { box.scrollLeft = before[i] || 0; });
    place.querySelectorAll('input').forEach((box, i) => { box.checked = !!checked[i]; });
    place.dispatchEvent(new Event('drawn', {bubbles: true}));
  };
  const settle = () => {
    for (const [name, text] of waiting) {
      const place = get('part-' + name);
      if (place && read(place)) continue;  // somebody reads a value in it: it waits
      waiting.delete(name);
      if (place) put(place, text);
    }
  };
  const parts = (order, found) => {
    const all = get('parts');
    order.forEach((name, i) => {
      let place = get('part-' + name);
      if (!place) {
        place = document.createElement('div');
        place.id = 'part-' + name;
      }
      if (all.children[i] !== place) all.insertBefore(place, all.children[i] || null);
    });
    for (const place of Array.from(all.children)) {
      if (!order.includes(place.id.slice(5))) place.remove();
    }
    for (const [name, text] of Object.entries(found)) waiting.set(name, text);
    settle();
  };
  const policy = (of, newest) => {
    const shown = of.state === 'runs', starts = of.state === 'starts';
    get('start').disabled = starts || newest === null;
    get('start').textContent = shown ? 'Show the newest policy anew' : 'Show the newest policy';
    get('stop').hidden = !(shown || starts);
    get('open').hidden = !shown;
    if (shown) get('open').href = of.address;
    const steps = n => n === null ? '' : ` after ${n.toLocaleString('en')} steps`;
    get('said').textContent = {
      none: newest === null ? 'No checkpoint has been written yet.' : `The newest is${steps(newest)}.`,
      starts: 'It is compiled; beside a training this takes a while.',
      runs: `It runs in Studio, which says after how many steps; the newest is${steps(newest)}.`,
      failed: `It cannot be shown: ${of.error}`,
    }[of.state];
  };
  const take = found => {
    failed = 0;
    version = found.version;
    parts(found.order, found.parts);
    const is = found.status;
    status(is.kind, is.word, is.text, is.share);
    get('trouble').hidden = !found.trouble;
    get('trouble').textContent = found.trouble;
    const done = is.share === null ? '' : Math.floor(100 * is.share) + '% ';
    document.title = `${is.kind === 'runs' ? done : is.word + ': '}${found.task}`;
    policy(found.policy, found.newest);
    if (found.ended) {
      over = true;
      get('start').disabled = true;
      get('stop').hidden = get('open').hidden = true;
      get('said').textContent = '';
      get('trouble').hidden = false;
      get('trouble').textContent = 'The command has ended, and this page is served no more. ' +
        'What it shows stays; ksim-watch shows the run again.';
    }
  };
  const ask = async () => {
    clearTimeout(timer);
    if (over || busy) return;
    busy = true;
    try {
      const answer = await fetch(`state?v=${version}&who=${who}`, {cache: 'no-store'});
      if (!answer.ok) throw new Error(answer.status);
      take(await answer.json());
    } catch (error) {
      failed += 1;
      if (failed > 2) {
        status('lost', 'no answer', 'the command that served this page has ended, or is busy; ' +
          'what is below came last');
      }
    }
    busy = false;
    timer = setTimeout(ask, document.hidden || failed > 5 ? SELDOM : OFTEN);
  };
  const order = async what => {
    get('start').disabled = true;
    try {
      await fetch(`policy/${what}`, {method: 'POST', cache: 'no-store'});
    } catch (error) { failed += 1; }
    ask();
  };
  get('start').addEventListener('click', () => order('start'));
  get('stop').addEventListener('click', () => order('stop'));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) ask(); });
  document.addEventListener('pointerout', () => setTimeout(settle, 100));
  document.addEventListener('focusout', () => setTimeout(settle, 100));
  ask();
})();
