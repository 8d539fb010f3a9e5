import { useData, withBase } from 'vitepress';
import { defineComponent, h, onMounted, ref, watch } from 'vue';

let drawn = 0;

/** Draws a diagram in the browser, in the colours of the page. Until then, and without scripts, its text is shown. */
export const MermaidDiagram = defineComponent({
  props: { code: { type: String, required: true } },
  setup(props) {
    const { isDark } = useData();
    const code = decodeURIComponent(props.code);
    const svg = ref('');

    async function draw() {
      const library = withBase('/mermaid/mermaid.esm.min.mjs'); // copied by tools/docs.mjs
      const { default: mermaid } = await import(/* @vite-ignore */ library);
      const theme = isDark.value ? 'dark' : 'neutral';
      const natural = { useMaxWidth: false };
      mermaid.initialize({ startOnLoad: false, theme, flowchart: natural, sequence: natural });
      svg.value = (await mermaid.render(`diagram-${++drawn}`, code)).svg;
    }

    onMounted(draw);
    watch(isDark, draw);
    return () =>
      svg.value
        ? h('div', { class: 'diagram', innerHTML: svg.value })
        : h('pre', { class: 'diagram' }, code);
  },
});
