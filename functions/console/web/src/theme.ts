import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** Ink blue: calm beside text, and with contrast enough for text on both grounds. */
const ink: MantineColorsTuple = [
  '#eef0fb', '#dde1f7', '#b9c1ee', '#94a0e6', '#8290e4', '#7585e0', '#5466d4', '#4658c8', '#3b4cb8', '#2c3a93',
];

/** Neutral, a little warm. */
const gray: MantineColorsTuple = [
  '#f9f9f8', '#f3f3f1', '#e9e8e6', '#dedddb', '#c9c8c5', '#a3a29e', '#6e6d69', '#55544f', '#373633', '#1f1e1c',
];

const dark: MantineColorsTuple = [
  '#e6e5e3', '#b9b8b5', '#9c9b97', '#6d6c69', '#3d3d3b', '#31312f', '#282826', '#1f1f1e', '#191918', '#141413',
];

export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 6 },
  autoContrast: true,
  // Where white and black are equally legible on a colour: each colour gets the better of the two.
  luminanceThreshold: 0.183,
  colors: { ink, gray, dark },
  fontFamily:
    "'Inter Variable', system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '19px' }, h2: { fontSize: '15px' }, h3: { fontSize: '13px' } } },
  defaultRadius: 6,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.3 } } },
    Select: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.3 } } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false } },
  },
});
