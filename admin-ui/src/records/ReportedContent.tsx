import { Box, Button, Card, CardContent, Typography } from '@mui/material';
import { Link, type RaRecord, useTranslate } from 'react-admin';
import { Messages, type Said } from './Conversation.tsx';
import { Raw } from './Value.tsx';

interface Copy {
  message?: Said;
  around?: Said[];
  messages?: Said[];
  post?: object;
  user?: object;
  thread?: object;
}

/** What was reported, as it was then, beside what stood around it. */
export function ReportedContent({ report }: { report: RaRecord }) {
  const translate = useTranslate();
  const copy = (report['copy'] ?? {}) as Copy;
  const context = copy.around ?? copy.messages;
  const thing = copy.post ?? copy.user ?? copy.thread;
  return (
    <Box sx={{ display: 'grid', gap: 2, mt: 2, gridTemplateColumns: { xs: '1fr', md: '1fr 1fr' } }}>
      <Card>
        <CardContent>
          <Typography variant="h6">{translate('app.reported')}</Typography>
          {copy.message && <Messages messages={[copy.message]} />}
          {thing && <Raw value={thing} />}
        </CardContent>
      </Card>
      {(context || report['thread_id']) && (
        <Card>
          <CardContent>
            <Typography variant="h6">{translate('app.context')}</Typography>
            {context && <Messages messages={context} marked={copy.message?.id} />}
            {report['thread_id'] && report['status'] !== 'resolved' && (
              <Button component={Link} to={`/threads/${report['thread_id']}/show?report_id=${report.id}`}>
                {translate('app.open_thread')}
              </Button>
            )}
          </CardContent>
        </Card>
      )}
    </Box>
  );
}
