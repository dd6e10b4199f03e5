// Values under the pointer or the arrow keys, and a word where a box scrolls. The page is whole
// without this. What is put into the page later tells so by the event `drawn`.
(() => {
  const number = v => {
    const size = Math.abs(v);
    if (size >= 1e9) return +(v / 1e9).toPrecision(4) + 'G';
    if (size >= 1e6) return +(v / 1e6).toPrecision(4) + 'M';
    if (size >= 1e5) return +(v / 1e3).toPrecision(4) + 'k';
    if (size && size < 1e-3) return (+v.toPrecision(3)).toExponential();
    return String(+v.toPrecision(4));
  };
  const points = shape => shape.dataset.points ? shape.dataset.points.split(' ').map(p =>
    p.split(',').map(Number)) : [];
  const live = plot => {
    const [x0, x1, y0, y1] = plot.dataset.range.split(' ').map(Number);
    const lines = Array.from(plot.querySelectorAll('[data-points]'), shape => ({
      name: shape.dataset.name, series: shape.dataset.series, points: points(shape),
    }));
    const marks = Array.from(plot.querySelectorAll('[data-mark]'), shape => ({
      name: shape.dataset.mark, x: +shape.dataset.x,
    }));
    if (!lines.length) return;
    const xs = [...new Set(lines.flatMap(l => l.points.map(p => p[0])))].sort((a, b) => a - b);
    const cursor = document.createElement('div'), tip = document.createElement('div');
    cursor.className = 'cursor'; tip.className = 'tip';
    cursor.hidden = tip.hidden = true;
    plot.append(cursor, tip);
    plot.tabIndex = 0;
    let at = xs.length - 1;
    const nearest = (sorted, x) => sorted.reduce((best, v) =>
      Math.abs(v[0] - x) < Math.abs(best[0] - x) ? v : best, sorted[0]);
    const row = (series, name, value) => {
      const line = document.createElement('div'), label = document.createElement('span');
      const number = document.createElement('b');
      if (series) {
        const dot = document.createElement('i');
        dot.className = series;
        label.append(dot);
      }
      label.append(name);
      number.textContent = value;
      line.append(label, number);
      return line;
    };
    const show = index => {
      at = Math.max(0, Math.min(xs.length - 1, index));
      const x = xs[at], share = (x - x0) / (x1 - x0 || 1);
      const near = (x1 - x0) / 60;
      tip.replaceChildren(row('', plot.dataset.x, number(x)));
      for (const line of lines) {
        const point = nearest(line.points, x);
        if (point && Math.abs(point[0] - x) <= near) {
          tip.append(row(line.series, line.name, number(point[1])));
        }
      }
      for (const mark of marks) if (Math.abs(mark.x - x) <= near) tip.append(row('', mark.name, ''));
      cursor.style.left = 100 * share + '%';
      tip.style.left = share < .5 ? `calc(${100 * share}% + 8px)` : 'auto';
      tip.style.right = share < .5 ? 'auto' : `calc(${100 * (1 - share)}% + 8px)`;
      cursor.hidden = tip.hidden = false;
    };
    const hide = () => { cursor.hidden = tip.hidden = true; };
    const follow = event => {
      const box = plot.getBoundingClientRect();
      const x = x0 + (event.clientX - box.left) / box.width * (x1 - x0);
      let best = 0;
      xs.forEach((v, i) => { if (Math.abs(v - x) < Math.abs(xs[best] - x)) best = i; });
      show(best);
    };
    plot.addEventListener('pointermove', follow);
    plot.addEventListener('pointerdown', follow);
    plot.addEventListener('pointerleave', hide);
    plot.addEventListener('blur', hide);
    plot.addEventListener('keydown', event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
      if (!step) return;
      show(tip.hidden ? at : at + step);
      event.preventDefault();
    });
  };
  const begin = place => {
    for (const plot of place.querySelectorAll('.plot[data-range]')) live(plot);
  };
  const told = () => {
    for (const box of document.querySelectorAll('.scroll')) {
      box.classList.toggle('over', box.scrollWidth > box.clientWidth + 1);
    }
  };
  addEventListener('resize', told);
  document.addEventListener('change', told);
  document.addEventListener('toggle', told, true);
  document.addEventListener('drawn', event => { begin(event.target); told(); });
  begin(document);
  told();
})();
