/* Pictures of the products, drawn from a few shapes. */

const COLOURS = {
  sage: ["#8fb3a1", "#5f8775", "#e6efe9"],
  moss: ["#7f9a5b", "#566c39", "#edf1e3"],
  ink: ["#3e4a61", "#262f42", "#e5e8ef"],
  sand: ["#d9b98a", "#a9854f", "#f6eee0"],
  coral: ["#e08e79", "#b4604b", "#fbeae4"],
  sun: ["#e6b450", "#b3831f", "#fbf2dc"],
  sky: ["#7fa9d1", "#4b78a3", "#e5eef7"],
};

/* Each drawing gets the main colour (m) and a darker one (d); it is 200 × 200 units large. */
const SHAPES = {
  mug: (m, d) => `
    <path d="M132 84h16a20 20 0 0 1 0 52h-16" fill="none" stroke="${d}" stroke-width="11"/>
    <rect x="58" y="66" width="80" height="90" rx="14" fill="${m}"/>
    <path d="M58 112q20-14 40 0t40 0v30a14 14 0 0 1-14 14H72a14 14 0 0 1-14-14z" fill="${d}"/>
    <path d="M84 52q-8-10 0-20M112 52q-8-10 0-20" fill="none" stroke="${d}" stroke-width="5" stroke-linecap="round" opacity=".45"/>`,
  teapot: (m, d) => `
    <path d="M56 104q-26-6-30-30l-12 4q4 42 42 56z" fill="${d}"/>
    <path d="M146 92q36-8 34 22t-40 28" fill="none" stroke="${d}" stroke-width="11" stroke-linecap="round"/>
    <ellipse cx="100" cy="116" rx="54" ry="44" fill="${m}"/>
    <path d="M66 82q34-22 68 0z" fill="${d}"/><circle cx="100" cy="66" r="8" fill="${d}"/>
    <rect x="72" y="154" width="56" height="9" rx="4.5" fill="${d}"/>`,
  bowl: (m, d) => `
    <path d="M38 92h124q0 66-62 66T38 92z" fill="${m}"/>
    <ellipse cx="100" cy="92" rx="62" ry="15" fill="${d}"/><ellipse cx="100" cy="94" rx="50" ry="9" fill="#fff" opacity=".4"/>
    <rect x="74" y="154" width="52" height="11" rx="5" fill="${d}"/>`,
  pan: (m, d) => `
    <rect x="122" y="30" width="18" height="72" rx="9" transform="rotate(45 131 66)" fill="${d}"/>
    <circle cx="84" cy="116" r="58" fill="${m}"/><circle cx="84" cy="116" r="46" fill="${d}"/>
    <path d="M58 100a36 36 0 0 1 28-18" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round" opacity=".35"/>`,
  lamp: (m, d) => `
    <path d="M62 96h76l24 62H38z" fill="${m}" opacity=".25"/>
    <path d="M76 38h48l20 58H56z" fill="${m}"/><rect x="96" y="96" width="8" height="62" fill="${d}"/>
    <rect x="66" y="156" width="68" height="11" rx="5.5" fill="${d}"/>`,
  chair: (m, d) => `
    <rect x="58" y="34" width="84" height="66" rx="18" fill="${m}"/><rect x="72" y="48" width="56" height="38" rx="10" fill="${d}" opacity=".5"/>
    <rect x="48" y="104" width="104" height="20" rx="10" fill="${d}"/>
    <path d="M62 124l-8 46M138 124l8 46M84 124v34M116 124v34" stroke="${d}" stroke-width="9" stroke-linecap="round"/>`,
  vase: (m, d) => `
    <path d="M100 86q-6-36 10-60M100 86q-14-30-34-38M100 86q16-22 36-26" fill="none" stroke="#5f8775" stroke-width="5"/>
    <circle cx="112" cy="28" r="11" fill="${d}"/><circle cx="66" cy="46" r="9" fill="${m}"/><circle cx="138" cy="58" r="9" fill="${m}"/>
    <path d="M84 82h32q-6 18 12 36 22 50-28 52-50-2-28-52 18-18 12-36z" fill="${m}"/><path d="M68 130h64" stroke="${d}" stroke-width="7"/>`,
  clock: (m, d) => `
    <circle cx="100" cy="100" r="66" fill="${d}"/><circle cx="100" cy="100" r="56" fill="#fff"/>
    <path d="M100 52v10M100 138v10M52 100h10M138 100h10" stroke="${m}" stroke-width="6" stroke-linecap="round"/>
    <path d="M100 100V68M100 100l24 16" stroke="${d}" stroke-width="7" stroke-linecap="round"/><circle cx="100" cy="100" r="6" fill="${m}"/>`,
  tee: (m, d) => `
    <path d="M76 40l-46 26 16 34 18-8v72h72V92l18 8 16-34-46-26q-24 22-48 0z" fill="${m}"/>
    <path d="M76 40q24 24 48 0" fill="none" stroke="${d}" stroke-width="7"/><path d="M64 92v72M136 92v72" stroke="${d}" stroke-width="2" opacity=".5"/>`,
  tote: (m, d) => `
    <path d="M74 82V62a26 26 0 0 1 52 0v20" fill="none" stroke="${d}" stroke-width="9"/>
    <path d="M48 78h104l8 92H40z" fill="${m}"/><path d="M78 128q22-32 44 0-22 20-44 0z" fill="${d}" opacity=".7"/>`,
  cap: (m, d) => `
    <path d="M40 122q0-64 62-64t60 58z" fill="${m}"/><path d="M100 58q-24 20-22 62M100 58q26 18 26 58" fill="none" stroke="${d}" stroke-width="3"/>
    <path d="M36 120q70-16 150 10-6 22-70 10-44-8-80-2z" fill="${d}"/><circle cx="101" cy="57" r="6" fill="${d}"/>`,
  shoe: (m, d) => `
    <path d="M26 84q22 16 40-2 40 34 82 38 30 4 28 26H30q-8-30-4-62z" fill="${m}"/>
    <rect x="24" y="142" width="154" height="15" rx="7.5" fill="${d}"/>
    <path d="M78 96l12-12M92 106l12-12M107 113l11-11" stroke="#fff" stroke-width="5" stroke-linecap="round"/>`,
  notebook: (m, d) => `
    <rect x="52" y="34" width="100" height="134" rx="10" fill="${m}"/><path d="M62 34h8v134h-8a10 10 0 0 1-10-10V44a10 10 0 0 1 10-10z" fill="${d}"/>
    <rect x="88" y="60" width="46" height="30" rx="5" fill="#fff" opacity=".85"/><path d="M138 34v134" stroke="${d}" stroke-width="5"/>`,
  pen: (m, d) => `
    <g transform="rotate(40 100 100)"><rect x="89" y="26" width="22" height="104" rx="11" fill="${m}"/>
    <path d="M89 122h22l-11 44z" fill="${d}"/><rect x="89" y="70" width="22" height="9" fill="${d}"/><rect x="113" y="34" width="5" height="44" rx="2.5" fill="${d}"/></g>`,
  headphones: (m, d) => `
    <path d="M44 122v-16a56 56 0 0 1 112 0v16" fill="none" stroke="${d}" stroke-width="12"/>
    <rect x="32" y="108" width="34" height="56" rx="15" fill="${m}"/><rect x="134" y="108" width="34" height="56" rx="15" fill="${m}"/>
    <rect x="58" y="114" width="10" height="44" rx="5" fill="${d}"/><rect x="132" y="114" width="10" height="44" rx="5" fill="${d}"/>`,
  speaker: (m, d) => `
    <rect x="58" y="30" width="84" height="140" rx="18" fill="${m}"/><circle cx="100" cy="118" r="31" fill="${d}"/>
    <circle cx="100" cy="118" r="13" fill="${m}"/><circle cx="100" cy="62" r="16" fill="${d}"/><circle cx="100" cy="62" r="6" fill="${m}"/>`,
};

/** The picture of a product, as SVG. */
export function picture(product) {
  const [main, dark, back] = COLOURS[product.colour];
  return `<svg viewBox="0 0 200 200" aria-hidden="true"><rect width="200" height="200" fill="${back}"/>${SHAPES[product.art](main, dark)}</svg>`;
}

/** A product's shape without a background, for banners. */
export function shape(product) {
  const [main, dark] = COLOURS[product.colour];
  return `<svg viewBox="0 0 200 200" aria-hidden="true">${SHAPES[product.art](main, dark)}</svg>`;
}
