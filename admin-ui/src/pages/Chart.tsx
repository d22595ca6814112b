import { useTheme } from '@mui/material/styles';

const [WIDTH, HEIGHT] = [300, 80];

/** A bar a day. */
export function Chart({ values }: { values: { day: string; value: number }[] }) {
  const { palette } = useTheme();
  const highest = Math.max(1, ...values.map(({ value }) => value));
  const step = WIDTH / Math.max(1, values.length);
  const total = values.reduce((sum, { value }) => sum + value, 0);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 16}`} role="img" aria-label={String(total)} width="100%">
      {values.map(({ day, value }, at) => {
        const height = Math.max(1, (value / highest) * HEIGHT);
        return (
          <rect
            key={day}
            x={at * step}
            y={HEIGHT - height}
            width={step * 0.8}
            height={height}
            fill={palette.primary.main}
          >
            <title>{`${day}: ${value}`}</title>
          </rect>
        );
      })}
      <text x={0} y={HEIGHT + 13} fontSize={11} fill={palette.text.secondary}>
        {values[0]?.day}
      </text>
      <text x={WIDTH} y={HEIGHT + 13} fontSize={11} textAnchor="end" fill={palette.text.secondary}>
        {total.toLocaleString()}
      </text>
    </svg>
  );
}
